-- DropIndex
DROP INDEX "OutboxEvent_relayedAt_occurredAt_idx";

-- AlterTable
ALTER TABLE "OutboxEvent" ADD COLUMN     "entered" BIGSERIAL NOT NULL;

-- What waits for the relay, in the order in which it takes it.
CREATE INDEX "OutboxEvent_unrelayed_idx" ON "OutboxEvent"("entered") WHERE "relayedAt" IS NULL;

-- The numbers behind "position". What was relayed before there were any comes first, in the order in which it happened.
CREATE SEQUENCE "OutboxEvent_position_seq" OWNED BY "OutboxEvent"."position";

UPDATE "OutboxEvent" e SET "position" = old.place
FROM (
  SELECT id, nextval('"OutboxEvent_position_seq"') AS place
  FROM (SELECT id FROM "OutboxEvent" WHERE "relayedAt" IS NOT NULL ORDER BY "occurredAt", "roomSessionId", seq) told
) old
WHERE e.id = old.id;

UPDATE "WebhookDelivery" d SET "position" = e."position", "roomName" = e."roomName"
FROM "OutboxEvent" e WHERE e.id = d."eventId" AND e."position" IS NOT NULL;
