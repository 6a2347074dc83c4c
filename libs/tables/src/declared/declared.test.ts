import { parseAstropyHeader } from './astropy-yaml.js';
import { declaredFields } from '../votable/declared-fields.js';

const votable = (fields: string, prefix = ''): string =>
  `<?xml version='1.0'?><${prefix}VOTABLE xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><!-- <TABLE><FIELD name="no"/> -->
  <${prefix}RESOURCE type="results"><FIELD name="outside"/><${prefix}TABLE>${fields}<DATA/></${prefix}TABLE>
  <${prefix}TABLE><FIELD name="second"/></${prefix}TABLE></${prefix}RESOURCE></${prefix}VOTABLE>`;

test('fields of a VOTable: the first table, with or without a prefix, either quote, entities', () => {
  const fields = `<FIELD name="ra" unit='h' ucd="pos.eq.ra;meta.main" datatype="double"><DESCRIPTION>a &lt; b</DESCRIPTION></FIELD>
    <p:FIELD datatype="char" name="a &amp; &quot;b&#x22; > c"/>`;
  for (const prefix of ['', 'ns0:'])
    expect(declaredFields(votable(fields, prefix))).toEqual([
      { name: 'ra', unit: 'h', ucd: 'pos.eq.ra;meta.main', datatype: 'double' },
      { name: 'a & "b" > c', unit: undefined, ucd: undefined, datatype: 'char' },
    ]);
});

test('what is no VOTable, or defines entities, declares nothing', () => {
  expect(declaredFields('')).toBeUndefined();
  expect(declaredFields('<html><p>TABLE</p></html>')).toBeUndefined();
  expect(declaredFields(`<!DOCTYPE x [<!ENTITY a "b">]>${votable('<FIELD name="&a;"/>')}`)).toBeUndefined();
  expect(declaredFields(votable('<FIELD name="a"/>'.repeat(16_385)))).toBeUndefined();
});

test('unclosed marks end quickly', () => {
  for (const text of [
    '<!--'.repeat(2e5),
    '<TABLE '.repeat(2e5),
    '<a b="'.repeat(2e5),
    `<TABLE>${'<FIELD '.repeat(1e5)}`,
  ])
    expect(declaredFields(text) ?? []).toEqual([]);
});

test('the header of astropy: pairs of an ordered mapping, unknown tags', () => {
  const text =
    'datatype:\n- {name: ra, unit: deg, datatype: float64}\n- name: b\n  meta: !!omap\n  - {other: 1}\n  - {ucd: meta.id}\nmeta: !!omap\n- t: !astropy.time.Time {x: 1}';
  expect(parseAstropyHeader(text)?.columns.map(({ name, unit, ucd }) => ({ name, unit, ucd }))).toEqual([
    { name: 'ra', unit: 'deg', ucd: undefined },
    { name: 'b', unit: undefined, ucd: 'meta.id' },
  ]);
  for (const other of ['[', '"', '- ', 'a: {', '&a ', ': '].map((part) => part.repeat(2e5)))
    expect(parseAstropyHeader(other)).toBeUndefined();
  for (const other of ['', 'a: [', 'datatype: 5', '- 1', 'x'.repeat(2 ** 22 + 1)])
    expect(parseAstropyHeader(other)).toBeUndefined();
});
