export { createDatabase, type Database, type DatabaseOptions } from './database';
export { type ReadStores, type RegionIdentity } from './unit-of-work';
export { parseMasterKeys, Sealer, SealBroken, type MasterKey, type SealedPlace } from './sealing';
export { isOutage, isUniqueViolation } from './prisma-errors';
export { createMemoryUnitOfWork, type MemoryDatabase, type MemoryOptions } from './memory/memory-unit-of-work';
