-- The first shape of the data, made from schema.prisma, plus what its language cannot say: the partial indexes at the
-- end. The unique one alone decides that a name is open at most once, however many replicas open it at the same moment.

-- CreateEnum
CREATE TYPE "RoomType" AS ENUM ('conference', 'webinar');

-- CreateEnum
CREATE TYPE "OpenedBy" AS ENUM ('api', 'visitor', 'backend');

-- CreateEnum
CREATE TYPE "WebhookType" AS ENUM ('url', 'robot');

-- CreateEnum
CREATE TYPE "DeliveryState" AS ENUM ('pending', 'sending', 'delivered', 'failed');

-- CreateTable
CREATE TABLE "Account" (
    "id" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "authId" TEXT NOT NULL,
    "secretSealed" TEXT NOT NULL,
    "legacyKeys" BOOLEAN NOT NULL DEFAULT false,
    "version" INTEGER NOT NULL DEFAULT 1,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "disabledAt" TIMESTAMPTZ(3),

    CONSTRAINT "Account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Domain" (
    "name" TEXT NOT NULL,
    "accountId" TEXT NOT NULL,
    "region" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL DEFAULT 1,
    "webhookKeySealed" TEXT NOT NULL,
    "capacity" INTEGER NOT NULL DEFAULT 100,
    "visitorsMayOpen" BOOLEAN NOT NULL DEFAULT true,
    "strictResidency" BOOLEAN NOT NULL DEFAULT false,
    "insecureWebhooks" BOOLEAN NOT NULL DEFAULT false,
    "visitorUnenteredSeconds" INTEGER DEFAULT 300,
    "visitorEmptySeconds" INTEGER DEFAULT 20,
    "apiUnenteredSeconds" INTEGER DEFAULT 86400,
    "apiEmptySeconds" INTEGER DEFAULT 3600,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Domain_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "DomainHost" (
    "host" TEXT NOT NULL,
    "domainName" TEXT NOT NULL,

    CONSTRAINT "DomainHost_pkey" PRIMARY KEY ("host")
);

-- CreateTable
CREATE TABLE "Room" (
    "id" TEXT NOT NULL,
    "domainName" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "openedBy" "OpenedBy" NOT NULL,
    "type" "RoomType" NOT NULL,
    "locked" BOOLEAN NOT NULL,
    "capacity" INTEGER NOT NULL,
    "passwordSealed" TEXT,
    "passwordVersion" INTEGER NOT NULL DEFAULT 0,
    "hostKeySealed" TEXT,
    "policyVersion" INTEGER NOT NULL DEFAULT 1,
    "eventSeq" INTEGER NOT NULL DEFAULT 0,
    "openedAt" TIMESTAMPTZ(3) NOT NULL,
    "closeAfter" TIMESTAMPTZ(3),
    "occupied" BOOLEAN NOT NULL DEFAULT false,
    "closingSince" TIMESTAMPTZ(3),
    "closedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Room_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Booking" (
    "id" TEXT NOT NULL,
    "domainName" TEXT NOT NULL,
    "roomName" TEXT NOT NULL,
    "validUntil" TIMESTAMPTZ(3) NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Booking_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Counter" (
    "name" TEXT NOT NULL,
    "value" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "Counter_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "Webhook" (
    "id" BIGINT NOT NULL,
    "domainName" TEXT NOT NULL,
    "type" "WebhookType" NOT NULL,
    "roomName" TEXT,
    "url" TEXT,
    "robotId" BIGINT,
    "validated" BOOLEAN NOT NULL DEFAULT false,
    "validationAttempts" INTEGER NOT NULL DEFAULT 0,
    "nextValidationAt" TIMESTAMPTZ(3),
    "validationLockedUntil" TIMESTAMPTZ(3),
    "lastValidationAt" TIMESTAMPTZ(3),
    "lastValidationError" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "removedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Webhook_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Robot" (
    "id" BIGINT NOT NULL,
    "domainName" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Robot_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "OutboxEvent" (
    "id" TEXT NOT NULL,
    "domainName" TEXT NOT NULL,
    "roomSessionId" TEXT,
    "roomName" TEXT,
    "seq" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "occurredAt" TIMESTAMPTZ(3) NOT NULL,
    "relayedAt" TIMESTAMPTZ(3),

    CONSTRAINT "OutboxEvent_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "WebhookDelivery" (
    "id" TEXT NOT NULL,
    "eventId" TEXT NOT NULL,
    "webhookId" BIGINT NOT NULL,
    "state" "DeliveryState" NOT NULL DEFAULT 'pending',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "nextAttemptAt" TIMESTAMPTZ(3),
    "lockedUntil" TIMESTAMPTZ(3),
    "wake" INTEGER NOT NULL DEFAULT 0,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "WebhookDelivery_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "WebhookAttempt" (
    "id" TEXT NOT NULL,
    "deliveryId" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "startedAt" TIMESTAMPTZ(3) NOT NULL,
    "durationMs" INTEGER NOT NULL,
    "status" INTEGER,
    "error" TEXT,
    "responseExcerpt" TEXT,

    CONSTRAINT "WebhookAttempt_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Backend" (
    "id" TEXT NOT NULL,
    "domainName" TEXT NOT NULL,
    "urls" TEXT[],
    "secretSealed" TEXT NOT NULL,
    "internalSecretSealed" TEXT,
    "sessionLimit" INTEGER,
    "maxStreamBitrate" INTEGER,
    "maxScreenBitrate" INTEGER,
    "foreignEntry" BOOLEAN NOT NULL DEFAULT false,
    "allowPrivate" TEXT[],
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Backend_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "BigBlueButtonSecret" (
    "id" TEXT NOT NULL,
    "domainName" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "secretSealed" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "BigBlueButtonSecret_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ArbiterPath" (
    "path" TEXT NOT NULL,
    "domainName" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ArbiterPath_pkey" PRIMARY KEY ("path")
);

-- CreateTable
CREATE TABLE "ArbiterSfu" (
    "id" TEXT NOT NULL,
    "domainName" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "secretSealed" TEXT,
    "lastSeenAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ArbiterSfu_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "SpreedWebrtcUser" (
    "id" TEXT NOT NULL,
    "domainName" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "secretSealed" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "SpreedWebrtcUser_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "OperatorKey" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "keyHash" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastUsedAt" TIMESTAMPTZ(3),
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "OperatorKey_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "AuditEntry" (
    "id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "details" JSONB NOT NULL,

    CONSTRAINT "AuditEntry_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "DirectoryDomain" (
    "name" TEXT NOT NULL,
    "region" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "strictResidency" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "DirectoryDomain_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "DirectoryHost" (
    "host" TEXT NOT NULL,
    "domainName" TEXT NOT NULL,

    CONSTRAINT "DirectoryHost_pkey" PRIMARY KEY ("host")
);

-- CreateTable
CREATE TABLE "DirectoryAccount" (
    "authId" TEXT NOT NULL,
    "region" TEXT NOT NULL,

    CONSTRAINT "DirectoryAccount_pkey" PRIMARY KEY ("authId","region")
);

-- CreateTable
CREATE TABLE "MovedId" (
    "kind" TEXT NOT NULL,
    "id" BIGINT NOT NULL,
    "region" TEXT NOT NULL,

    CONSTRAINT "MovedId_pkey" PRIMARY KEY ("kind","id")
);

-- CreateIndex
CREATE UNIQUE INDEX "Account_slug_key" ON "Account"("slug");

-- CreateIndex
CREATE UNIQUE INDEX "Account_authId_key" ON "Account"("authId");

-- CreateIndex
CREATE INDEX "Domain_accountId_idx" ON "Domain"("accountId");

-- CreateIndex
CREATE INDEX "Room_domainName_name_closedAt_idx" ON "Room"("domainName", "name", "closedAt");

-- CreateIndex
CREATE INDEX "Room_closeAfter_idx" ON "Room"("closeAfter");

-- CreateIndex
CREATE INDEX "Room_closingSince_idx" ON "Room"("closingSince");

-- CreateIndex
CREATE UNIQUE INDEX "Booking_domainName_roomName_key" ON "Booking"("domainName", "roomName");

-- CreateIndex
CREATE INDEX "Webhook_domainName_removedAt_idx" ON "Webhook"("domainName", "removedAt");

-- CreateIndex
CREATE INDEX "Webhook_nextValidationAt_idx" ON "Webhook"("nextValidationAt");

-- CreateIndex
CREATE INDEX "Robot_domainName_idx" ON "Robot"("domainName");

-- CreateIndex
CREATE INDEX "OutboxEvent_relayedAt_occurredAt_idx" ON "OutboxEvent"("relayedAt", "occurredAt");

-- CreateIndex
CREATE UNIQUE INDEX "OutboxEvent_roomSessionId_seq_key" ON "OutboxEvent"("roomSessionId", "seq");

-- CreateIndex
CREATE INDEX "WebhookDelivery_state_nextAttemptAt_idx" ON "WebhookDelivery"("state", "nextAttemptAt");

-- CreateIndex
CREATE INDEX "WebhookDelivery_webhookId_state_idx" ON "WebhookDelivery"("webhookId", "state");

-- CreateIndex
CREATE UNIQUE INDEX "WebhookDelivery_eventId_webhookId_key" ON "WebhookDelivery"("eventId", "webhookId");

-- CreateIndex
CREATE UNIQUE INDEX "WebhookAttempt_deliveryId_number_key" ON "WebhookAttempt"("deliveryId", "number");

-- CreateIndex
CREATE INDEX "Backend_domainName_idx" ON "Backend"("domainName");

-- CreateIndex
CREATE INDEX "BigBlueButtonSecret_domainName_idx" ON "BigBlueButtonSecret"("domainName");

-- CreateIndex
CREATE INDEX "ArbiterSfu_domainName_idx" ON "ArbiterSfu"("domainName");

-- CreateIndex
CREATE UNIQUE INDEX "SpreedWebrtcUser_domainName_userId_key" ON "SpreedWebrtcUser"("domainName", "userId");

-- CreateIndex
CREATE UNIQUE INDEX "OperatorKey_name_key" ON "OperatorKey"("name");

-- CreateIndex
CREATE UNIQUE INDEX "OperatorKey_keyHash_key" ON "OperatorKey"("keyHash");

-- CreateIndex
CREATE INDEX "AuditEntry_at_idx" ON "AuditEntry"("at");

-- AddForeignKey
ALTER TABLE "Domain" ADD CONSTRAINT "Domain_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "DomainHost" ADD CONSTRAINT "DomainHost_domainName_fkey" FOREIGN KEY ("domainName") REFERENCES "Domain"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Room" ADD CONSTRAINT "Room_domainName_fkey" FOREIGN KEY ("domainName") REFERENCES "Domain"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Booking" ADD CONSTRAINT "Booking_domainName_fkey" FOREIGN KEY ("domainName") REFERENCES "Domain"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Webhook" ADD CONSTRAINT "Webhook_domainName_fkey" FOREIGN KEY ("domainName") REFERENCES "Domain"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Robot" ADD CONSTRAINT "Robot_domainName_fkey" FOREIGN KEY ("domainName") REFERENCES "Domain"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WebhookDelivery" ADD CONSTRAINT "WebhookDelivery_eventId_fkey" FOREIGN KEY ("eventId") REFERENCES "OutboxEvent"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WebhookDelivery" ADD CONSTRAINT "WebhookDelivery_webhookId_fkey" FOREIGN KEY ("webhookId") REFERENCES "Webhook"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WebhookAttempt" ADD CONSTRAINT "WebhookAttempt_deliveryId_fkey" FOREIGN KEY ("deliveryId") REFERENCES "WebhookDelivery"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Backend" ADD CONSTRAINT "Backend_domainName_fkey" FOREIGN KEY ("domainName") REFERENCES "Domain"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "BigBlueButtonSecret" ADD CONSTRAINT "BigBlueButtonSecret_domainName_fkey" FOREIGN KEY ("domainName") REFERENCES "Domain"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ArbiterPath" ADD CONSTRAINT "ArbiterPath_domainName_fkey" FOREIGN KEY ("domainName") REFERENCES "Domain"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ArbiterSfu" ADD CONSTRAINT "ArbiterSfu_domainName_fkey" FOREIGN KEY ("domainName") REFERENCES "Domain"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "SpreedWebrtcUser" ADD CONSTRAINT "SpreedWebrtcUser_domainName_fkey" FOREIGN KEY ("domainName") REFERENCES "Domain"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- One open room per name. Closed openings stay and do not count.
CREATE UNIQUE INDEX "Room_open_name_key" ON "Room"("domainName", "name") WHERE "closedAt" IS NULL;

-- All open rooms of the region, page by page, without wading through the closed ones.
CREATE INDEX "Room_open_id_idx" ON "Room"("id") WHERE "closedAt" IS NULL;
