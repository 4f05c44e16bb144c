import { refusal } from '../../../identity/server/origin.ts'

/** Programs ask here, so that whatever is at no other address below /api/ is said in JSON, and not as a page. */
const nothing = (): Response => refusal(404, 'not_found', 'There is nothing at this address.')

export { nothing as DELETE, nothing as GET, nothing as PATCH, nothing as POST, nothing as PUT }
