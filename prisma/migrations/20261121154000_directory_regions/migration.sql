-- CreateEnum
CREATE TYPE "RegionState" AS ENUM ('serving', 'draining', 'down');

-- CreateTable
CREATE TABLE "DirectoryRegion" (
    "id" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "apiUrl" TEXT NOT NULL,
    "signalingUrl" TEXT NOT NULL,
    "latitude" DOUBLE PRECISION,
    "longitude" DOUBLE PRECISION,
    "group" TEXT,
    "state" "RegionState" NOT NULL DEFAULT 'serving',
    "version" INTEGER NOT NULL DEFAULT 1,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "DirectoryRegion_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "DirectoryRegion_number_key" ON "DirectoryRegion"("number");
