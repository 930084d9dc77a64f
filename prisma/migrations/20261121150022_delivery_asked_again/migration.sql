-- AlterTable
ALTER TABLE "WebhookDelivery" ADD COLUMN     "attemptsBefore" INTEGER NOT NULL DEFAULT 0;
