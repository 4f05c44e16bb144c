const fs = require('node:fs')

/** Each rule fails `npm run check` when broken. The rooms and what each of them uses are read from its room.ts. */
const rooms = fs.readdirSync('apps/api/src').filter((name) => fs.existsSync(`apps/api/src/${name}/room.ts`))
const usedBy = (room) => {
  const [, list] =
    /^ {2}uses: \[([^\]]*)\]/m.exec(fs.readFileSync(`apps/api/src/${room}/room.ts`, 'utf8')) ?? []
  if (list === undefined)
    throw new Error(`apps/api/src/${room}/room.ts does not say in one list what the room uses`)
  return [...list.matchAll(/'([a-z-]+)'/g)].map(([, name]) => name)
}
const others = (room) => rooms.filter((name) => name !== room && !usedBy(room).includes(name))
const roomUses = rooms.map((room) => ({
  name: `room-uses-${room}`,
  comment: `${room} uses only the rooms of its room.ts: ${usedBy(room).join(', ') || 'none'}`,
  severity: 'error',
  from: { path: `^apps/api/src/${room}/`, pathNot: '(\\.test|/testing[\\w.]*|\\.testing)\\.ts$' },
  to: { path: `^apps/api/src/(${others(room).join('|')})/` },
}))
const aRoom = `(${rooms.join('|')})`
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'drivers-import-nothing-of-ours',
      severity: 'error',
      from: { path: '^packages/drivers' },
      to: { path: '^(apps|prisma|tools|e2e)/' },
    },
    {
      name: 'one-driver-never-another',
      severity: 'error',
      from: { path: '^packages/drivers/src/(hypervisor|network|storage)/' },
      to: {
        path: '^packages/drivers/src/(hypervisor|network|storage)/',
        pathNot: '^packages/drivers/src/$1/',
      },
    },
    {
      name: 'agent-uses-drivers-only',
      severity: 'error',
      from: { path: '^apps/agent' },
      to: { path: '^(apps/(api|web|console-proxy)|prisma)/' },
    },
    {
      name: 'console-proxy-speaks-http-only',
      severity: 'error',
      from: { path: '^apps/console-proxy' },
      to: { path: '^(apps/(api|web|agent)|prisma|packages)/' },
    },
    {
      name: 'api-uses-no-other-app',
      severity: 'error',
      from: { path: '^apps/api', pathNot: '\\.test\\.ts$' },
      to: { path: '^apps/(web|agent|console-proxy)/' },
    },
    {
      name: 'web-enters-api-by-two-doors',
      severity: 'error',
      from: { path: '^apps/web' },
      to: {
        path: '^(apps/(api|agent|console-proxy)|prisma|packages)/',
        pathNot: '^apps/api/src/.+/(contract|states)\\.ts$|^apps/api/src/root-router\\.ts$',
      },
    },
    {
      name: 'web-takes-only-the-type-of-the-router',
      severity: 'error',
      from: { path: '^apps/web' },
      to: { path: '^apps/api/src/root-router', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'kernel-knows-no-room',
      severity: 'error',
      from: { path: '^apps/api/src/(kernel|openstack)/', pathNot: '\\.test\\.ts$|openstack/mount\\.ts$' },
      to: { path: `^apps/api/src/${aRoom}/` },
    },
    ...roomUses,
    {
      name: 'rooms-meet-at-service-or-contract',
      severity: 'error',
      from: {
        path: `^apps/api/src/${aRoom}/`,
        pathNot: '(\\.test|/testing[\\w.]*|\\.testing)\\.ts$',
      },
      to: {
        path: `^apps/api/src/${aRoom}/`,
        pathNot: '^apps/api/src/$1/|/(service|contract)\\.ts$',
      },
    },
    {
      name: 'doors-touch-no-database',
      severity: 'error',
      comment: 'also what an import does not show is found: tools/rules/doors.ts',
      from: {
        path: ['^apps/api/src/.*openstack/[^/]+\\.ts$', '^apps/api/src/.*(openstack|/router)\\.ts$'],
        pathNot: '\\.test\\.ts$|testing',
      },
      to: { path: '^(prisma|packages/drivers)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'services-know-no-door',
      severity: 'error',
      from: { path: '/service\\.ts$' },
      to: { path: '(^|/)node_modules/(@trpc|fastify)|kernel/trpc\\.ts$' },
    },
    {
      name: 'tests-stay-out',
      severity: 'error',
      from: { pathNot: '\\.test\\.ts$|/testing|\\.testing\\.ts$|conformance|^(tools|e2e)/|vitest' },
      to: { path: '\\.test\\.ts$|kernel/testing\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(node_modules|generated|\\.next)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json'],
    },
  },
}
