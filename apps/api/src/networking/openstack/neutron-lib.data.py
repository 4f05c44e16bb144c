#!/usr/bin/python3
"""Makes neutron-lib.data.ts; run by hand: neutron-lib.data.py FOLDER > neutron-lib.data.ts (then biome).

FOLDER is usr/lib/python3/dist-packages of Debian's python3-neutron-lib, unpacked (dpkg-deb -x). Its tables need
python3-netaddr; of the other modules that the package needs, those that are missing are dummies.
"""
import importlib, importlib.abc, importlib.util, json, pathlib, pkgutil, re, sys
from unittest import mock


class Dummies(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        known = name.split('.')[0] in sys.stdlib_module_names or name.startswith('neutron_lib')
        return None if known else importlib.util.spec_from_loader(name, self, is_package=True)

    def create_module(self, spec):
        return mock.MagicMock(name=spec.name, __path__=[], __spec__=spec, __name__=spec.name)

    def exec_module(self, module):
        pass


sys.path.insert(0, sys.argv[1])
sys.meta_path.append(Dummies())
definitions = importlib.import_module('neutron_lib.api.definitions')
unset = importlib.import_module('neutron_lib.constants').ATTR_NOT_SPECIFIED
here = pathlib.Path(__file__).parent
published = re.findall(r"alias: '([^']+)'", (here / 'extensions.data.ts').read_text())
flags = {'post': 'allow_post', 'put': 'allow_put', 'filter': 'is_filter', 'sort': 'is_sort_key', 'shown': 'is_visible'}

print("""/**
 * What Neutron says of the attributes of every extension that we publish, and of its own three resources: alias,
 * collection, attribute, where it is taken (post, put), whether one filters and sorts by it, whether it is shown, and
 * its default where Neutron names one. Facts of neutron_lib/api/definitions (Debian: python3-neutron-lib 3.1.0-2;
 * Apache-2.0), read out by neutron-lib.data.py.
 */
type Fact = readonly [alias: string, collection: string, attribute: string, uses: string, fallback?: unknown]

export const facts: readonly Fact[] = [""")
for found in sorted(pkgutil.iter_modules(definitions.__path__), key=lambda module: module.name):
    module = importlib.import_module(f'{definitions.__name__}.{found.name}')
    if getattr(module, 'ALIAS', None) not in {*published, 'network', 'subnet', 'port'}:
        continue
    for collection, attributes in (module.RESOURCE_ATTRIBUTE_MAP or {}).items():
        for name, spec in attributes.items():
            uses = ' '.join(use for use, key in flags.items() if spec.get(key))
            default = spec.get('default', unset)
            print(f'  {json.dumps([module.ALIAS, collection, name, uses, *([] if default is unset else [default])])},')
print(']')
