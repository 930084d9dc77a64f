import { generateKeyPairSync } from 'node:crypto';
import { brandAs, type RobotTicketClaims, type TicketClaims } from '@parley/domain';
import {
  createRobotTicketIssuer,
  createRobotTicketVerifier,
  createTicketIssuer,
  createTicketVerifier,
  ticketPublicKey,
} from './index';

const now = new Date('2026-03-01T12:00:00Z');
const issuer = 'https://eu.example.org/tickets';
const privateKey = generateKeyPairSync('ed25519')
  .privateKey.export({ format: 'der', type: 'pkcs8' })
  .toString('base64');
const publicKeys = [ticketPublicKey(privateKey)];
const claims: RobotTicketClaims = {
  id: 'tk_1',
  region: brandAs('eu-1'),
  robot: brandAs(2049),
  domain: brandAs('chat.example.org'),
  keyMark: '0123456789abcdef',
};

describe("a robot's ticket", () => {
  const robots = createRobotTicketVerifier({ publicKeys });

  it('comes back as it was issued, and is good for 60 seconds', async () => {
    const token = await createRobotTicketIssuer({ privateKey, issuer }).issue(claims, now);
    expect(await robots.verify(token, now)).toEqual({ ok: true, value: claims });
    const late = new Date(now.getTime() + 60_000);
    expect(await robots.verify(token, late)).toEqual({ ok: false, error: 'expired' });
  });

  it('opens no room, and a ticket for a room is none for a robot', async () => {
    const room: TicketClaims = {
      ...claims,
      room: brandAs('rs_eu-1_abc'),
      roomName: brandAs('my-room'),
      role: 'host',
      passwordVersion: 'exempt',
      userId: '',
    };
    const all = { ...claims, ...room };
    const ofRobot = await createRobotTicketIssuer({ privateKey, issuer }).issue(all, now);
    const ofVisitor = await createTicketIssuer({ privateKey, issuer }).issue(all, now);
    const invalid = { ok: false, error: 'invalid' };
    expect(await createTicketVerifier({ publicKeys }).verify(ofRobot, now)).toEqual(invalid);
    expect(await robots.verify(ofVisitor, now)).toEqual(invalid);
  });
});
