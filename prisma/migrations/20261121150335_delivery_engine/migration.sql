-- DropIndex
DROP INDEX "WebhookDelivery_state_nextAttemptAt_idx";

-- DropIndex
DROP INDEX "WebhookDelivery_webhookId_roomName_position_idx";

-- DropIndex
DROP INDEX "WebhookDelivery_webhookId_state_idx";

-- AlterTable
ALTER TABLE "Webhook" ADD COLUMN     "paidUntil" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "WebhookAttempt" ADD COLUMN     "outcome" TEXT NOT NULL DEFAULT 'failed';

UPDATE "WebhookAttempt" SET "outcome" = 'delivered' WHERE "error" IS NULL;

-- What may be handed out, in the order in which it is.
CREATE INDEX "WebhookDelivery_due_idx" ON "WebhookDelivery"("webhookId", "nextAttemptAt", "position")
  WHERE "state" = 'pending' AND "lockedUntil" IS NULL;
-- What stands before a room's later events.
CREATE INDEX "WebhookDelivery_unfinished_idx" ON "WebhookDelivery"("webhookId", "roomName", "position")
  WHERE "state" IN ('pending', 'sending');
-- What has a job or a worker.
CREATE INDEX "WebhookDelivery_held_idx" ON "WebhookDelivery"("webhookId", "lockedUntil") WHERE "lockedUntil" IS NOT NULL;
-- What circuit breakers look at.
CREATE INDEX "WebhookAttempt_failed_idx" ON "WebhookAttempt"("startedAt") WHERE "outcome" <> 'delivered';
