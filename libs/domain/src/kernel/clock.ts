/** The time of day, handed in so that rules about time can be tested without waiting. */
export interface Clock {
  now(): Date;
}
