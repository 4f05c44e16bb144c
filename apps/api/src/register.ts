/** Every room's policy, workflows and reconcilers, by import; main.ts, worker.ts and seed.ts need them all. */
import './identity/register.ts'
import './catalog/register.ts'
import './quota/register.ts'
import './hosts/register.ts'
import './images/register.ts'
import './networking/register.ts'
import './compute/register.ts'
import './operations/register.ts'
