-- AlterTable
ALTER TABLE "Instance" ADD COLUMN     "diskBus" TEXT NOT NULL DEFAULT 'virtio';
