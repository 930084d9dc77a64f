/** Injection token of what regions give each other, `Moving`. */
export const MOVING = Symbol('parley.moving');

/** Injection token of what tells whose something is, `Owners`. */
export const OWNERS = Symbol('parley.owners');

/** Injection token of the regions as this one knows them, `RegionBook`. */
export const REGION_BOOK = Symbol('parley.region-book');

/** Injection token of the clock by which letters are dated. */
export const LETTER_CLOCK = Symbol('parley.letter-clock');
