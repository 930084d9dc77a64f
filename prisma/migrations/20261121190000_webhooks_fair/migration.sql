-- DropIndex
DROP INDEX "OutboxEvent_unrelayed_idx";

-- AlterTable
ALTER TABLE "Webhook" ADD COLUMN     "accountDisabled" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "handshakeAwaited" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "Domain" ADD COLUMN     "peerEvents" BOOLEAN NOT NULL DEFAULT false;

-- What waits for the relay: which domains have something, and of each the oldest first.
CREATE INDEX "OutboxEvent_unrelayed_idx" ON "OutboxEvent"("domainName", "entered") WHERE "relayedAt" IS NULL;

-- What was given up, as its owner looks for it and has it sent again.
CREATE INDEX "WebhookDelivery_failed_idx" ON "WebhookDelivery"("webhookId", "createdAt") WHERE "state" = 'failed';
