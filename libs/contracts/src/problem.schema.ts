import { z } from 'zod';

/** The media type of {@link problemSchema}. */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** A refusal of our REST API: problem details (RFC 9457) with a code for programs. */
export const problemSchema = z
  .strictObject({
    type: z.string().describe('A stable name of the problem as a URI: `urn:parley:problem:<code>`'),
    title: z.string().describe('The kind of problem, for people; the same for every occurrence'),
    status: z.number().int().min(400).max(599),
    detail: z.string().describe('This occurrence, for people'),
    code: z.string().describe('What programs decide by, e.g. `room_locked`'),
    requestId: z.string().optional(),
    errorId: z.string().optional().describe('Of faults of ours: to be found in the logs'),
    retryAfterSeconds: z.number().int().positive().optional(),
    issues: z
      .array(z.strictObject({ path: z.string(), message: z.string() }))
      .optional()
      .describe('Of `invalid_input`: what is wrong where'),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problemSchema>;
