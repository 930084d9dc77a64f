export {
  type ChecksumDialect,
  draftChecksum,
  modernChecksum,
  type SignedQuery,
  splitChecksum,
  verifyChecksum,
} from './auth';
