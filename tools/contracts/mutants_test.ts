import { expect, it } from 'vitest'
import { mutantsOf } from './mutants.ts'

const SOURCE = `contract A {
    // if (this) is a comment, a < b too
    uint256 private _x;

    function set(uint256 to) external nonReentrant {
        if (to <= _x || msg.sender == address(0)) revert Wrong("a < b");
        _x = to;
        emit Set(to + 1);
        _tell(to);
        uint256 kept = to;
        if (kept > 3) {
            kept -= 1;
        }
    }

    function get() external view returns (uint256);
}
`

it('mutantsOf() takes away checks, locks and statements, and turns operators', () => {
  expect(mutantsOf(SOURCE).map(({ what }) => what)).toEqual([
    'set: without nonReentrant',
    'set: if (to <= _x || msg.sender == address(0)) never',
    'set: if (to [<= → <] _x || msg.sender == address(0)) revert Wrong("a < b");',
    'set: if (to <= _x [|| → &&] msg.sender == address(0)) revert Wrong("a < b");',
    'set: if (to <= _x || msg.sender [== → !=] address(0)) revert Wrong("a < b");',
    'set: without _x = to;',
    'set: without emit Set(to + 1);',
    'set: emit Set(to [+ → -] 1);',
    'set: without _tell(to);',
    'set: if (kept > 3) never',
    'set: if (kept > 3) always',
    'set: if (kept [> → >=] 3) {',
    'set: without kept -= 1;',
    'set: kept [-= → +=] 1;',
  ])
})

it('mutantsOf() gives places that make the change when they are replaced', () => {
  const check = mutantsOf(SOURCE).find(({ what }) => what.includes('[== → !=]'))
  if (check === undefined) throw new Error('there is such a mutant')
  const changed = SOURCE.slice(0, check.at) + check.replace + SOURCE.slice(check.at + check.length)
  expect(changed.split('\n')[check.line - 1]).toBe('        if (to <= _x || msg.sender != address(0)) revert Wrong("a < b");')
})
