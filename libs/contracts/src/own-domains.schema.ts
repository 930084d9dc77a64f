import { z } from 'zod';

/** A domain over our REST API, as its account sees it. */

const settings = {
  peerEvents: z
    .boolean()
    .describe('peerJoined, peerLeft and hostJoined are kept although no webhook lists them, for `GET /v1/events`'),
};

export const ownDomainSchema = z.strictObject({ name: z.string(), ...settings }).meta({ id: 'OwnDomain' });
export type OwnDomainView = z.infer<typeof ownDomainSchema>;

/** What is absent stays as it is. */
export const updateOwnDomainSchema = z.strictObject(settings).partial().meta({ id: 'UpdateOwnDomain' });
