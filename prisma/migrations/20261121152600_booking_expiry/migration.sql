-- CreateIndex
CREATE INDEX "Booking_validUntil_idx" ON "Booking"("validUntil");
