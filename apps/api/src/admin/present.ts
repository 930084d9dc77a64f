type Present<Input> = { [Key in keyof Input]: Exclude<Input[Key], undefined> };

/** Without members that are undefined: to the store, absent means "as it is". */
export function present<Input extends object>(input: Input): Present<Input> {
  // Dropping what is undefined is exactly what the type says.
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Present<Input>;
}
