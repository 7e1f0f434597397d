// Small drawings, 160 by 72.
const SKY = `<path fill="#d8e8f2" d="M0 0h160v72H0z"/>`;
const WATER = `<path fill="#86b3cc" d="M0 54h160v18H0z"/><path stroke="#d8e8f2" stroke-width="2" d="M14 61h22m30 5h26m24-6h22"/>`;
const GROUND = `<path fill="#9dbb8a" d="M0 54h160v18H0z"/>`;

const PICTURES = {
  bridge: `${SKY}${WATER}<path fill="none" stroke="#a8553f" stroke-width="4" d="M0 44h160M16 44q32-50 64 0m0 0q32-50 64 0M32 44V27m16 17V20m16 24V27m32 17V27m16 17V20m16 24V27"/><path stroke="#6f5b52" stroke-width="7" d="M16 44v20m64-20v20m64-20v20"/>`,
  tunnel: `${SKY}<path fill="#7f9f6c" d="M0 72V40Q44-12 92 16t68 22v34z"/><path fill="#b9b2a6" d="M50 72V50a30 30 0 0 1 60 0v22z"/><path fill="#37404a" d="M57 72V51a23 23 0 0 1 46 0v21z"/><path stroke="#f2e3a4" stroke-width="3" stroke-dasharray="6 5" d="M80 72V48"/>`,
  road: `${SKY}<path fill="#9dbb8a" d="M0 34h160v38H0z"/><path fill="#b7cda6" d="M0 38q40-18 84-4t76-6v10z"/><path fill="#59626b" d="M70 34h20l40 38H30z"/><path stroke="#f4f1e4" stroke-width="3" stroke-dasharray="8 6" d="M80 36v36"/>`,
  station: `${SKY}<path fill="#c9c2b4" d="M0 60h160v12H0z"/><path fill="#b5614a" d="M22 30h116v32H22z"/><path fill="#6a4034" d="M14 32 80 8l66 24z"/><path fill="#f3ead3" d="M34 40h16v22H34zm22 0h16v22H56zm32 0h16v22H88zm22 0h16v22h-16z"/><circle cx="80" cy="23" r="7" fill="#fff"/><path stroke="#37404a" stroke-width="2" d="M80 18v5h4"/>`,
  park: `${SKY}${GROUND}<path stroke="#7a5a3c" stroke-width="6" d="M36 60V40m44 24V36m46 24V42"/><circle cx="36" cy="30" r="18" fill="#6f9a5b"/><circle cx="80" cy="25" r="22" fill="#557f49"/><circle cx="126" cy="32" r="16" fill="#7aa766"/><path fill="#86b3cc" d="M92 66q22-9 44 0-22 7-44 0z"/>`,
  harbour: `${SKY}${WATER}<path fill="none" stroke="#c28a2c" stroke-width="5" d="M40 58V14m28 44V14M30 14h92M40 34h28M54 14 90 4l28 10M104 14v18"/><path fill="#4f6f86" d="M94 32h20v10H94z"/><path fill="#7c3f36" d="M80 50h64l-8 13H88z"/><path fill="#f3ead3" d="M122 40h14v10h-14z"/>`,
  school: `${SKY}${GROUND}<path fill="#d9c08a" d="M28 22h104v40H28z"/><path fill="#80604a" d="M20 24 38 8h84l18 16z"/><path fill="#5d86a0" d="M38 30h14v10H38zm22 0h14v10H60zm28 0h14v10H88zm22 0h14v10h-14zM38 46h14v10H38zm72 0h14v10h-14z"/><path fill="#6a4034" d="M70 44h20v18H70z"/>`,
  wind: `${SKY}${GROUND}<path stroke="#8b98a3" stroke-width="4" d="M44 60V26m48 36V18m42 42V30"/><g stroke="#fff" stroke-width="4" stroke-linecap="round"><path d="M44 26V8m0 18 15 9M44 26l-15 9M92 18 78 4m14 14 19-6M92 18l-4 20m46-8V14m0 16 14 8m-14-8-14 8"/></g>`,
};

/** The picture of that name as SVG; undefined if there is none. */
export function picture(name) {
  if (!Object.hasOwn(PICTURES, name)) return undefined;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 72">${PICTURES[name]}</svg>\n`;
}
