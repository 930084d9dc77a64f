import type { z } from 'zod';

/** One call of our REST API as the document tells of it. */
export interface Operation {
  readonly id: string;
  readonly call: `${'GET' | 'POST' | 'PATCH' | 'DELETE'} /${string}`;
  readonly summary: string;
  readonly body?: z.ZodType;
  /** It may be left out: everything in it has a default. */
  readonly bodyOptional?: boolean;
  /** Absent: 204 without a body. */
  readonly answer?: z.ZodType;
  /** 200 by default, 204 without an answer. */
  readonly status?: 200 | 201 | 202;
  readonly query?: z.ZodObject;
  /**
   * `operator`: behind the operator's key, on the operator's port; `account`: for an account and what is its own; `robot`: for
   * a robot that shows its connect key.
   */
  readonly caller: 'anybody' | 'account' | 'operator' | 'robot';
  /** What the caller has to prove itself with; for an account either, if absent. */
  readonly proof?: 'signature';
}
