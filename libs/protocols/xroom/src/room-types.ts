import type { Role, RoomType } from '@parley/domain';

const CODES = { conference: 1, webinar: 2 } as const satisfies Record<RoomType, number>;

/** Room type code of Appendix A. */
export function roomTypeCode(type: RoomType): 1 | 2 {
  return CODES[type];
}

/** The other way round. */
export function roomTypeOf(code: 1 | 2): RoomType {
  return code === 1 ? 'conference' : 'webinar';
}

/** Peer type code of Appendix A: 1 conference host, 2 conference user, 3 webinar host, 4 webinar viewer. */
export function peerTypeCode(type: RoomType, role: Role): 1 | 2 | 3 | 4 {
  if (type === 'conference') return role === 'host' ? 1 : 2;
  return role === 'host' ? 3 : 4;
}
