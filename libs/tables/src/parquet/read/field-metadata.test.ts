import { Field, Float64, makeData, RecordBatch, Schema, Struct } from 'apache-arrow';
import { encodeTable } from '../../table/encode.js';
import { openTable } from '../../table/open.js';

const VOTABLE = `<?xml version="1.0"?><VOTABLE><RESOURCE><TABLE>
<FIELD name="a" datatype="double" unit="15deg" ucd="pos.eq.ra;meta.main"/><FIELD name="b" datatype="double" unit="rad"/>
</TABLE></RESOURCE></VOTABLE>`;
const ASTROPY =
  'datatype:\n- {name: a, unit: hourangle, datatype: float64}\n- name: c\n  unit: mas\n  datatype: float64\n  meta: !!omap\n  - {ucd: stat.error}';

async function fieldsOf(metadata: Record<string, string>): Promise<Record<string, unknown>> {
  const values = () => makeData({ type: new Float64(), length: 1, data: Float64Array.of(1) });
  const fields = [
    new Field('a', new Float64()),
    new Field('b', new Float64(), false, new Map([['unit', 'deg']])),
    new Field('c', new Float64()),
  ];
  const schema = new Schema(fields);
  const data = makeData({ type: new Struct(fields), length: 1, children: fields.map(values) });
  const parts: Uint8Array[] = [];
  for await (const part of encodeTable(
    'parquet',
    schema,
    (async function* () {
      yield await Promise.resolve(new RecordBatch(schema, data));
    })(),
    { metadata },
  ))
    parts.push(part);
  const reader = await openTable({ name: 'a.parquet', bytes: Buffer.concat(parts) });
  const found = Object.fromEntries(
    reader.schema.fields.map((field) => [field.name, Object.fromEntries(field.metadata)]),
  );
  await reader.close();
  return found;
}

test('units and UCDs of a VOTable in the metadata; what the Arrow schema says counts before', async () => {
  expect(await fieldsOf({ 'IVOA.VOTable-Parquet.content': VOTABLE })).toEqual({
    a: { unit: '15deg', ucd: 'pos.eq.ra;meta.main' },
    b: { unit: 'deg' },
    c: {},
  });
});

test('units and UCDs of astropy, behind those of a VOTable', async () => {
  expect(await fieldsOf({ table_meta_yaml: ASTROPY })).toEqual({
    a: { unit: 'hourangle' },
    b: { unit: 'deg' },
    c: { unit: 'mas', ucd: 'stat.error' },
  });
  expect((await fieldsOf({ table_meta_yaml: ASTROPY, 'IVOA.VOTable-Parquet.content': VOTABLE })).a).toEqual({
    unit: '15deg',
    ucd: 'pos.eq.ra;meta.main',
  });
});

test('metadata that cannot be read are no obstacle', async () => {
  expect(await fieldsOf({ table_meta_yaml: 'a: [', 'IVOA.VOTable-Parquet.content': '<VOTABLE' })).toEqual({
    a: {},
    b: { unit: 'deg' },
    c: {},
  });
});
