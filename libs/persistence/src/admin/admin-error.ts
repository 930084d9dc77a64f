/** Why an operator's request was refused. `message` is a sentence for the operator. */
export class AdminError extends Error {
  constructor(
    readonly code: 'taken' | 'not_found' | 'rooms_open' | 'invalid' | 'elsewhere',
    message: string,
  ) {
    super(message);
    this.name = 'AdminError';
  }
}
