ALTER TABLE "Token" VALIDATE CONSTRAINT "Token_accessTokenId_fkey";
