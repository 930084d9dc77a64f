-- CreateEnum
CREATE TYPE "WebhookOrder" AS ENUM ('unordered', 'fifo');

-- CreateEnum
CREATE TYPE "BreakerState" AS ENUM ('closed', 'open', 'half_open');

-- AlterTable
ALTER TABLE "Domain" ADD COLUMN     "previousWebhookKeySealed" TEXT,
ADD COLUMN     "previousWebhookKeyUntil" TIMESTAMPTZ(3),
ADD COLUMN     "webhookRetentionDays" INTEGER NOT NULL DEFAULT 30;

-- AlterTable
ALTER TABLE "OutboxEvent" ADD COLUMN     "onlyWebhookId" BIGINT,
ADD COLUMN     "position" BIGINT;

-- AlterTable
ALTER TABLE "Robot" ADD COLUMN     "connectKeyHash" TEXT,
ADD COLUMN     "removedAt" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "Room" ADD COLUMN     "peerCursor" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "peerGeneration" TEXT;

-- AlterTable
ALTER TABLE "Webhook" ADD COLUMN     "alertedPercent" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "breaker" "BreakerState" NOT NULL DEFAULT 'closed',
ADD COLUMN     "breakerSince" TIMESTAMPTZ(3),
ADD COLUMN     "breakerTrips" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "detailed" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "disabledAt" TIMESTAMPTZ(3),
ADD COLUMN     "disabledReason" TEXT,
ADD COLUMN     "events" TEXT[] DEFAULT ARRAY['room.created', 'room.removed']::TEXT[],
ADD COLUMN     "failedValidations" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "order" "WebhookOrder" NOT NULL DEFAULT 'unordered',
ADD COLUMN     "pausedAt" TIMESTAMPTZ(3),
ADD COLUMN     "suspendedAt" TIMESTAMPTZ(3),
ADD COLUMN     "validationCause" TEXT NOT NULL DEFAULT 'added';

-- AlterTable
ALTER TABLE "WebhookDelivery" ADD COLUMN     "abandoned" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "position" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "roomName" TEXT;

-- CreateTable
CREATE TABLE "AccountKey" (
    "id" TEXT NOT NULL,
    "accountId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "keyHash" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastUsedAt" TIMESTAMPTZ(3),
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "AccountKey_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "WebhookSecret" (
    "id" TEXT NOT NULL,
    "webhookId" BIGINT NOT NULL,
    "secretSealed" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "signsUntil" TIMESTAMPTZ(3),

    CONSTRAINT "WebhookSecret_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "WebhookValidation" (
    "id" TEXT NOT NULL,
    "webhookId" BIGINT NOT NULL,
    "cause" TEXT NOT NULL,
    "startedAt" TIMESTAMPTZ(3) NOT NULL,
    "durationMs" INTEGER NOT NULL,
    "passed" BOOLEAN NOT NULL,
    "status" INTEGER,
    "error" TEXT,

    CONSTRAINT "WebhookValidation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "RoomSequence" (
    "domainName" TEXT NOT NULL,
    "roomName" TEXT NOT NULL,
    "value" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "RoomSequence_pkey" PRIMARY KEY ("domainName","roomName")
);

-- CreateTable
CREATE TABLE "RoomPeer" (
    "roomSessionId" TEXT NOT NULL,
    "sessionId" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "joinedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "RoomPeer_pkey" PRIMARY KEY ("roomSessionId","sessionId")
);

-- CreateIndex
CREATE UNIQUE INDEX "AccountKey_keyHash_key" ON "AccountKey"("keyHash");

-- CreateIndex
CREATE UNIQUE INDEX "AccountKey_accountId_name_key" ON "AccountKey"("accountId", "name");

-- CreateIndex
CREATE INDEX "WebhookSecret_webhookId_signsUntil_idx" ON "WebhookSecret"("webhookId", "signsUntil");

-- CreateIndex
CREATE INDEX "WebhookValidation_webhookId_startedAt_idx" ON "WebhookValidation"("webhookId", "startedAt");

-- CreateIndex
CREATE UNIQUE INDEX "OutboxEvent_position_key" ON "OutboxEvent"("position");

-- CreateIndex
CREATE INDEX "OutboxEvent_domainName_position_idx" ON "OutboxEvent"("domainName", "position");

-- CreateIndex
CREATE INDEX "OutboxEvent_domainName_occurredAt_idx" ON "OutboxEvent"("domainName", "occurredAt");

-- CreateIndex
CREATE INDEX "Webhook_robotId_idx" ON "Webhook"("robotId");

-- CreateIndex
CREATE INDEX "WebhookAttempt_startedAt_idx" ON "WebhookAttempt"("startedAt");

-- CreateIndex
CREATE INDEX "WebhookDelivery_webhookId_roomName_position_idx" ON "WebhookDelivery"("webhookId", "roomName", "position");

-- CreateIndex
CREATE INDEX "WebhookDelivery_webhookId_createdAt_idx" ON "WebhookDelivery"("webhookId", "createdAt");

-- AddForeignKey
ALTER TABLE "AccountKey" ADD CONSTRAINT "AccountKey_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WebhookSecret" ADD CONSTRAINT "WebhookSecret_webhookId_fkey" FOREIGN KEY ("webhookId") REFERENCES "Webhook"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WebhookValidation" ADD CONSTRAINT "WebhookValidation_webhookId_fkey" FOREIGN KEY ("webhookId") REFERENCES "Webhook"("id") ON DELETE CASCADE ON UPDATE CASCADE;
