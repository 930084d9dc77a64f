-- AlterTable
ALTER TABLE "WebhookDelivery" ADD COLUMN     "heldBy" TEXT;

-- CreateIndex
CREATE INDEX "WebhookDelivery_heldBy_idx" ON "WebhookDelivery"("heldBy");
