/** Injection token of what regions give each other, `Moving`. */
export const MOVING = Symbol('parley.moving');

/** Injection token of the clock by which letters are dated. */
export const LETTER_CLOCK = Symbol('parley.letter-clock');
