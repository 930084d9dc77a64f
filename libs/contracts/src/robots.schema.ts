import { z } from 'zod';

/**
 * Robots, `/v1/robots`: automatons of an account that are told, over a connection to the gateway, what webhooks of type
 * `robot` listen to.
 */

const domain = z.string().min(1).max(253);

export const createRobotSchema = z
  .strictObject({ domain, name: z.string().min(1).max(100).describe('What people call it; need not be unique') })
  .meta({ id: 'CreateRobot' });

export const robotsQuerySchema = z.strictObject({
  domain: domain.optional().describe('Absent: of all domains of the account in this region'),
});

export const robotSchema = z
  .strictObject({ robotId: z.number().int().min(0), domain, name: z.string(), createdAt: z.iso.datetime() })
  .meta({ id: 'Robot' });
export type RobotView = z.infer<typeof robotSchema>;

export const createdRobotSchema = robotSchema
  .extend({ connectKey: z.string().describe('Gets it tickets; only its hash is kept, so it is shown only now') })
  .meta({ id: 'CreatedRobot' });

export const robotListSchema = z
  .strictObject({
    robots: z.array(robotSchema),
    missingRegions: z
      .array(z.string())
      .optional()
      .describe(
        "Regions whose part is not there, because they do not answer; only in lists of all of an account's regions",
      ),
  })
  .meta({ id: 'RobotList' });

/**
 * What a robot connects with. The socket at `url` says hello with
 * `{version: "2.0", auth: {url: authUrl, params: {token: ticket}}}`.
 */
export const robotTicketSchema = z
  .strictObject({
    ticket: z.string().describe('Opens one session, once, within 60 seconds; no room'),
    authUrl: z.url().describe('Names this service as the one that made the ticket'),
    url: z.url().describe('WebSocket of a gateway of the region the robot is in'),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: 'RobotTicket' });
export type RobotTicket = z.infer<typeof robotTicketSchema>;
