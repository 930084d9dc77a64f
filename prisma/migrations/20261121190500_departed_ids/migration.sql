-- CreateTable
CREATE TABLE "DepartedId" (
    "kind" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "domainName" TEXT NOT NULL,
    "keptUntil" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "DepartedId_pkey" PRIMARY KEY ("kind", "id")
);

-- CreateIndex
CREATE INDEX "DepartedId_keptUntil_idx" ON "DepartedId"("keptUntil");
