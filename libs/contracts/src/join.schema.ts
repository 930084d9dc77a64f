import { z } from 'zod';

/** Longest texts of a join request, in characters. */
export const JOIN_LIMITS = { room: 512, displayName: 128, password: 128, hostKey: 256 } as const;

/** Body of `POST /join`: somebody wants to enter a room. */
export const joinRequestSchema = z
  .strictObject({
    room: z.string().min(1).max(JOIN_LIMITS.room).describe('Path of the room, `domain/name`'),
    displayName: z.string().min(1).max(JOIN_LIMITS.displayName).optional().describe('How the others see them'),
    password: z.string().min(1).max(JOIN_LIMITS.password).optional().describe('Password of the room, if it has one'),
    hostKey: z
      .string()
      .min(1)
      .max(JOIN_LIMITS.hostKey)
      .optional()
      .describe('Makes them a host; neither lock nor password stops them then'),
  })
  .meta({ id: 'JoinRequest' });
export type JoinRequest = z.infer<typeof joinRequestSchema>;

/** One entry of `RTCConfiguration.iceServers`. */
export const iceServerSchema = z
  .strictObject({
    urls: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
    username: z.string().optional(),
    credential: z.string().optional(),
  })
  .meta({ id: 'IceServer' });
export type IceServer = z.infer<typeof iceServerSchema>;

/**
 * Answer of `POST /join`. The socket at `signalingUrl` says hello with
 * `{version: "2.0", auth: {url: authUrl, params: {token: ticket}}}` and joins `roomId`.
 */
export const joinAnswerSchema = z
  .strictObject({
    ticket: z.string().describe('Lets one session in, once, within 60 seconds'),
    authUrl: z.url().describe('Names this service as the one that made the ticket'),
    signalingUrl: z.url().describe('WebSocket of the region the room is in'),
    iceServers: z.array(iceServerSchema),
    roomId: z.string().describe('What to join after hello'),
    peerType: z
      .union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)])
      .describe('1 conference host, 2 conference user, 3 webinar host, 4 webinar viewer; arrival may still change it'),
  })
  .meta({ id: 'JoinAnswer' });
export type JoinAnswer = z.infer<typeof joinAnswerSchema>;
