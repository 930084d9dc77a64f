-- AlterTable
ALTER TABLE "Backend" ADD COLUMN     "scopesRooms" BOOLEAN NOT NULL DEFAULT false;
