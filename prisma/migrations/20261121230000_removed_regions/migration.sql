-- A removed region keeps its row: its id and number stand in ids that may be about.
ALTER TABLE "DirectoryRegion" ADD COLUMN "removedAt" TIMESTAMPTZ(3);
