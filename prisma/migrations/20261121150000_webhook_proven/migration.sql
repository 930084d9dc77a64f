-- AlterTable
ALTER TABLE "Webhook" ADD COLUMN     "provenAt" TIMESTAMPTZ(3);

-- Who is told things has proved itself, and proves it again from now on, not all at once.
UPDATE "Webhook" SET "provenAt" = coalesce("lastValidationAt", "createdAt") WHERE "validated";
UPDATE "Webhook" SET "validationCause" = 'periodic', "nextValidationAt" = coalesce("nextValidationAt", now() + random() * interval '72 hours')
WHERE "validated" AND "type" = 'url' AND "removedAt" IS NULL;
