import { backendRoomName, backendRoomToken } from './backend-rooms';

const first = { id: 'one', scopesRooms: false };
const second = { id: 'two', scopesRooms: true };

it('rooms of two backends of one domain never have the same name', () => {
  expect(backendRoomName(first, 'abc')).toBe('abc');
  expect(backendRoomName(second, 'abc')).toBe('abc@two');
  expect(backendRoomName(first, 'abc@two')).toBe('abc@two@one');
  expect(backendRoomName(second, 'abc@two')).toBe('abc@two@two');
});

it.each([first, second])('a name leads back to the token', (backend) => {
  for (const token of ['abc', 'abc@two', 'a@one', '123']) {
    expect(backendRoomToken(backend, backendRoomName(backend, token) ?? '')).toBe(token);
  }
});

it('what is no room name is none', () => {
  expect(backendRoomName(first, 'a/b')).toBeUndefined();
  expect(backendRoomName(first, '')).toBeUndefined();
});
