-- CreateEnum
CREATE TYPE "MovePhase" AS ENUM ('freezing', 'copying', 'switching', 'deleting', 'done');

-- CreateEnum
CREATE TYPE "DirectoryDomainState" AS ENUM ('serving', 'moving');

-- DropIndex
DROP INDEX "OutboxEvent_domainName_position_idx";

-- DropIndex
DROP INDEX "OutboxEvent_position_key";

-- AlterTable
ALTER TABLE "Account" ADD COLUMN     "nextSecretSealed" TEXT;

-- AlterTable
ALTER TABLE "Domain" ADD COLUMN     "movingTo" TEXT;

-- AlterTable
ALTER TABLE "Webhook" ADD COLUMN     "frozen" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "DirectoryDomain" ADD COLUMN     "state" "DirectoryDomainState" NOT NULL DEFAULT 'serving';

-- AlterTable
ALTER TABLE "DirectoryAccount" ADD COLUMN     "version" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "DomainMove" (
    "domainName" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "phase" "MovePhase" NOT NULL DEFAULT 'freezing',
    "tableName" TEXT,
    "cursor" JSONB,
    "rowsDone" INTEGER NOT NULL DEFAULT 0,
    "rowsTotal" INTEGER NOT NULL DEFAULT 0,
    "actor" TEXT NOT NULL,
    "startedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "DomainMove_pkey" PRIMARY KEY ("domainName")
);

-- CreateIndex
CREATE UNIQUE INDEX "OutboxEvent_domainName_position_key" ON "OutboxEvent"("domainName", "position");

-- What a region has of an account that was its own all along.
UPDATE "DirectoryAccount" d SET "version" = a."version" FROM "Account" a WHERE a."authId" = d."authId";

-- Writes to what a domain has are refused while it is on its way to another region, whoever makes them; the stores know the
-- SQLSTATE. The move itself sets `parley.moving` for its transactions.
CREATE FUNCTION parley_moves_it() RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT coalesce(current_setting('parley.moving', true), '') = 'yes' $$;

CREATE FUNCTION parley_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT parley_moves_it() THEN
    RAISE EXCEPTION 'the domain is moving' USING ERRCODE = 'PM503';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

-- For tables that name their domain.
CREATE FUNCTION parley_refuse_while_moving() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  of_domain text;
BEGIN
  IF TG_OP = 'DELETE' THEN of_domain := OLD."domainName"; ELSE of_domain := NEW."domainName"; END IF;
  IF EXISTS (SELECT 1 FROM "Domain" WHERE name = of_domain AND "movingTo" IS NOT NULL) AND NOT parley_moves_it() THEN
    RAISE EXCEPTION 'the domain is moving' USING ERRCODE = 'PM503';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION parley_refuse_while_webhook_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM "Webhook" WHERE id = NEW."webhookId" AND frozen) AND NOT parley_moves_it() THEN
    RAISE EXCEPTION 'the domain is moving' USING ERRCODE = 'PM503';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER "Domain_moving" BEFORE UPDATE OR DELETE ON "Domain" FOR EACH ROW WHEN (OLD."movingTo" IS NOT NULL)
  EXECUTE FUNCTION parley_refuse();
CREATE TRIGGER "DomainHost_moving" BEFORE INSERT OR UPDATE OR DELETE ON "DomainHost" FOR EACH ROW
  EXECUTE FUNCTION parley_refuse_while_moving();
CREATE TRIGGER "Room_moving" BEFORE INSERT OR UPDATE OR DELETE ON "Room" FOR EACH ROW
  EXECUTE FUNCTION parley_refuse_while_moving();
CREATE TRIGGER "Booking_moving" BEFORE INSERT OR UPDATE OR DELETE ON "Booking" FOR EACH ROW
  EXECUTE FUNCTION parley_refuse_while_moving();
CREATE TRIGGER "RoomSequence_moving" BEFORE INSERT OR UPDATE OR DELETE ON "RoomSequence" FOR EACH ROW
  EXECUTE FUNCTION parley_refuse_while_moving();
CREATE TRIGGER "Robot_moving" BEFORE INSERT OR UPDATE OR DELETE ON "Robot" FOR EACH ROW
  EXECUTE FUNCTION parley_refuse_while_moving();
CREATE TRIGGER "Backend_moving" BEFORE INSERT OR UPDATE OR DELETE ON "Backend" FOR EACH ROW
  EXECUTE FUNCTION parley_refuse_while_moving();
CREATE TRIGGER "BigBlueButtonSecret_moving" BEFORE INSERT OR UPDATE OR DELETE ON "BigBlueButtonSecret" FOR EACH ROW
  EXECUTE FUNCTION parley_refuse_while_moving();
CREATE TRIGGER "ArbiterPath_moving" BEFORE INSERT OR UPDATE OR DELETE ON "ArbiterPath" FOR EACH ROW
  EXECUTE FUNCTION parley_refuse_while_moving();
CREATE TRIGGER "ArbiterSfu_moving" BEFORE INSERT OR UPDATE OR DELETE ON "ArbiterSfu" FOR EACH ROW
  EXECUTE FUNCTION parley_refuse_while_moving();
CREATE TRIGGER "SpreedWebrtcUser_moving" BEFORE INSERT OR UPDATE OR DELETE ON "SpreedWebrtcUser" FOR EACH ROW
  EXECUTE FUNCTION parley_refuse_while_moving();
-- What the dispatcher keeps of a webhook (breaker, rate, handshakes) it writes for many webhooks at once; it leaves out those
-- that are frozen by itself, and one that moves must not make such a statement fail.
CREATE TRIGGER "Webhook_moving_insert" BEFORE INSERT ON "Webhook" FOR EACH ROW
  EXECUTE FUNCTION parley_refuse_while_moving();
CREATE TRIGGER "Webhook_moving" BEFORE UPDATE OF url, "roomName", events, "order", detailed, "pausedAt", "removedAt"
  ON "Webhook" FOR EACH ROW WHEN (OLD.frozen) EXECUTE FUNCTION parley_refuse();
CREATE TRIGGER "WebhookSecret_moving" BEFORE INSERT OR UPDATE ON "WebhookSecret" FOR EACH ROW
  EXECUTE FUNCTION parley_refuse_while_webhook_moves();
-- Events are written by everybody, and marked and deleted by the dispatcher alone.
CREATE TRIGGER "OutboxEvent_moving" BEFORE INSERT ON "OutboxEvent" FOR EACH ROW
  EXECUTE FUNCTION parley_refuse_while_moving();
