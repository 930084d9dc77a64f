-- AddForeignKey
ALTER TABLE "RoomPeer" ADD CONSTRAINT "RoomPeer_roomSessionId_fkey" FOREIGN KEY ("roomSessionId") REFERENCES "Room"("id") ON DELETE CASCADE ON UPDATE CASCADE;
