import { refusal } from '../../../identity/server/origin.ts'

/** Programs call addresses below /api/, so an unknown one is answered in JSON and not as a page. */
const nothing = (): Response => refusal(404, 'not_found', 'There is nothing at this address.')

export { nothing as DELETE, nothing as GET, nothing as PATCH, nothing as POST, nothing as PUT }
