import { Prisma } from '../generated/client';

// Who hears what, said once for all statements. In each of them the webhook's alias is `w`.

/** It is told things now: it proved itself where its URL leads, and nobody, its owner or we, holds its deliveries back. */
export const IS_TOLD = Prisma.sql`(w.validated AND w."removedAt" IS NULL AND w."suspendedAt" IS NULL
  AND w."pausedAt" IS NULL AND w."disabledAt" IS NULL)`;

/** Events are kept for it as deliveries: it is told things, or may be again. */
export const IS_KEPT_FOR = Prisma.sql`(w."provenAt" IS NOT NULL AND w."removedAt" IS NULL AND w."disabledAt" IS NULL)`;
