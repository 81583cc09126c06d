// The path tracer of tracer.ts for a GPU: the same scene, the same paths by the same random numbers, in single precision.

struct Params {
  rect: vec4<u32>,     // x, y, width, height of the tile
  size: vec4<u32>,     // width, height, samples, bounces
  run: vec4<u32>,      // first sample of this pass, samples of this pass, seed, panels
  floats: vec4<u32>,   // where spheres, positions, normals, panels begin (materials at 0)
  ints: vec4<u32>,     // where count, order, triangle materials begin (first at 0); where bounds begin in floats
  things: vec4<u32>,   // spheres, material of the floor
  lens: vec4<f32>,     // aperture, focus, size of a floor tile
  eye: vec4<f32>, forward: vec4<f32>, right: vec4<f32>, up: vec4<f32>, lensRight: vec4<f32>, lensUp: vec4<f32>,
  zenith: vec4<f32>, horizon: vec4<f32>, glow: vec4<f32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> floats: array<f32>;
@group(0) @binding(2) var<storage, read> ints: array<u32>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>; // 12 a pixel: colour, light², albedo, normal, two free

const MATTE = 0.0; const GLOSSY = 1.0; const METAL = 2.0; const GLASS = 3.0; const LAMP = 4.0; const TILES = 5.0;
const EPSILON = 2e-4;
const CLAMP = 6.0;
const TURN = 6.283185307179586;
const PI = 3.141592653589793;
const FAR = 1e30;

fn hash(x: u32) -> u32 {
  let state = x * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

var<private> key: u32;
var<private> sampleIndex: u32;
var<private> dimension: u32;
var<private> state: u32;

fn white() -> f32 {
  state = state * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return f32(((word >> 22u) ^ word) >> 8u) / 16777216.0;
}

fn next2() -> vec2<f32> {
  if (dimension >= 10u) { let u = white(); return vec2(u, white()); }
  let mask = params.size.z - 1u;
  let h = hash(key + dimension * 0x85ebca6bu);
  let g = hash(h);
  let i = ((sampleIndex ^ (g & mask)) * ((g >> 8u) | 1u)) & mask;
  dimension += 1u;
  return fract(vec2(f32(h >> 8u), f32(g >> 8u)) / 16777216.0 + f32(i) * vec2(0.7548776662466927, 0.5698402909980532));
}

struct Hit { t: f32, normal: vec3<f32>, material: u32, panel: i32 }

fn v3(at: u32) -> vec3<f32> { return vec3(floats[at], floats[at + 1u], floats[at + 2u]); }

var<private> bestItem: i32;
var<private> bestUV: vec2<f32>;

fn walk(o: vec3<f32>, d: vec3<f32>, limit: f32, any: bool) -> f32 {
  let inverse = 1.0 / d;
  var best = limit;
  bestItem = -1;
  var stack: array<u32, 48>;
  var depth = 1u;
  stack[0] = 0u;
  let balls = params.things.x;
  while (depth > 0u) {
    depth -= 1u;
    let node = stack[depth];
    let b = params.ints.w + node * 6u;
    let t0 = (v3(b) - o) * inverse;
    let t1 = (v3(b + 3u) - o) * inverse;
    let low = min(t0, t1);
    let high = max(t0, t1);
    let enter = max(max(low.x, low.y), max(low.z, 0.0));
    let leave = min(min(high.x, high.y), min(high.z, best));
    if (!(enter <= leave)) { continue; }
    let start = ints[node];
    let items = ints[params.ints.x + node];
    if (items == 0u) {
      let l = params.ints.w + start * 6u;
      let toLeft = dot(v3(l) + v3(l + 3u), d);
      let toRight = dot(v3(l + 6u) + v3(l + 9u), d);
      let nearLeft = select(0u, 1u, toLeft < toRight);
      stack[depth] = start + nearLeft;
      stack[depth + 1u] = start + 1u - nearLeft;
      depth += 2u;
      continue;
    }
    for (var i = start; i < start + items; i++) {
      let item = ints[params.ints.y + i];
      if (item < balls) {
        let s = params.floats.x + item * 5u;
        let c = v3(s) - o;
        let r = floats[s + 3u];
        let along = dot(c, d);
        let p = c - along * d;
        let inside = r * r - dot(p, p);
        if (inside <= 0.0) { continue; }
        let half = sqrt(inside);
        let t = select(along + half, along - half, along - half > EPSILON);
        if (t > EPSILON && t < best) { best = t; bestItem = i32(item); if (any) { return best; } }
        continue;
      }
      let p = params.floats.y + (item - balls) * 9u;
      let a = v3(p);
      let e1 = v3(p + 3u) - a;
      let e2 = v3(p + 6u) - a;
      let h = cross(d, e2);
      let det = dot(e1, h);
      if (abs(det) < 1e-12) { continue; }
      let s = o - a;
      let u = dot(s, h) / det;
      if (u < 0.0 || u > 1.0) { continue; }
      let q = cross(s, e1);
      let v = dot(d, q) / det;
      if (v < 0.0 || u + v > 1.0) { continue; }
      let t = dot(e2, q) / det;
      if (t > EPSILON && t < best) { best = t; bestItem = i32(item); bestUV = vec2(u, v); if (any) { return best; } }
    }
  }
  return best;
}

fn nearest(o: vec3<f32>, d: vec3<f32>) -> Hit {
  var hit = Hit(FAR, vec3(0.0, 1.0, 0.0), params.things.y, -1);
  if (d.y < 0.0 && o.y > EPSILON) { hit.t = -o.y / d.y; }
  for (var i = 0u; i < params.run.w; i++) {
    let p = params.floats.w + i * 16u;
    let n = v3(p + 9u);
    let facing = dot(d, n);
    if (facing > -1e-6) { continue; }
    let r = v3(p) - o;
    let at = dot(r, n) / facing;
    if (at <= EPSILON || at >= hit.t) { continue; }
    let q = d * at - r;
    let u = v3(p + 3u);
    let v = v3(p + 6u);
    let a = dot(q, u) / dot(u, u);
    let b = dot(q, v) / dot(v, v);
    if (a < 0.0 || a > 1.0 || b < 0.0 || b > 1.0) { continue; }
    hit.t = at;
    hit.panel = i32(i);
  }
  hit.t = walk(o, d, hit.t, false);
  if (bestItem < 0) { return hit; }
  hit.panel = -1;
  let item = u32(bestItem);
  let balls = params.things.x;
  if (item < balls) {
    let s = params.floats.x + item * 5u;
    hit.normal = (o + hit.t * d - v3(s)) / floats[s + 3u];
    hit.material = u32(floats[s + 4u]);
    return hit;
  }
  let n = params.floats.z + (item - balls) * 9u;
  hit.normal = normalize((1.0 - bestUV.x - bestUV.y) * v3(n) + bestUV.x * v3(n + 3u) + bestUV.y * v3(n + 6u));
  hit.material = ints[params.ints.z + item - balls];
  return hit;
}

fn blocked(o: vec3<f32>, d: vec3<f32>, limit: f32) -> bool {
  if (d.y < 0.0 && o.y > EPSILON && -o.y / d.y < limit) { return true; }
  _ = walk(o, d, limit, true);
  return bestItem >= 0;
}

fn floorShade(x: f32, z: f32) -> f32 {
  let a = (x + z) * 0.7071067811865476 / params.lens.z;
  let b = (x - z) * 0.7071067811865476 / params.lens.z;
  let cell = vec2<i32>(i32(floor(a)), i32(floor(b)));
  let edge = min(min(fract(a), 1.0 - fract(a)), min(fract(b), 1.0 - fract(b)));
  let shade = 0.55 + 0.6 * f32(hash((u32(cell.x) * 73856093u) ^ (u32(cell.y) * 19349663u))) / 4294967296.0;
  return shade * select(0.45, 1.0, ((cell.x + cell.y) & 1) == 0) * select(1.0, 0.3, edge < 0.012);
}

fn clamped(light: vec3<f32>, matte: bool) -> vec3<f32> {
  let most = max(light.x, max(light.y, light.z));
  return select(light, light * (CLAMP / most), matte && most > CLAMP);
}

struct Path { light: vec3<f32>, albedo: vec3<f32>, normal: vec3<f32> }

fn trace(pixel: vec2<f32>) -> Path {
  var path = Path(vec3(0.0), vec3(1.0), vec3(0.0));
  let jitter = next2();
  let s = vec2(2.0, -2.0) * (pixel + jitter) / vec2(f32(params.size.x), f32(params.size.y)) + vec2(-1.0, 1.0);
  let lensSample = next2();
  let lens = sqrt(lensSample.x) * params.lens.x;
  var o = params.eye.xyz + lens * (cos(TURN * lensSample.y) * params.lensRight.xyz + sin(TURN * lensSample.y) * params.lensUp.xyz);
  var d = normalize(params.eye.xyz + (params.forward.xyz + s.x * params.right.xyz + s.y * params.up.xyz) * params.lens.y - o);
  var through = vec3(1.0);
  var specular = true;
  var matte = false;
  var featured = false;
  var pdf = 0.0;
  for (var bounce = 0u; bounce < params.size.w; bounce++) {
    let hit = nearest(o, d);
    if (hit.t >= FAR) {
      let up = clamp(d.y, 0.0, 1.0);
      let sky = params.zenith.xyz + pow(1.0 - up, 5.0) * params.horizon.xyz + pow(1.0 - up, 25.0) * params.glow.xyz;
      path.light += clamped(through * sky, matte);
      return path;
    }
    if (hit.panel >= 0) {
      let p = params.floats.w + u32(hit.panel) * 16u;
      var weight = 1.0;
      if (!specular) {
        let light = hit.t * hit.t / (-dot(d, v3(p + 9u)) * floats[p + 15u] * f32(params.run.w));
        weight = pdf * pdf / (pdf * pdf + light * light);
      }
      path.light += clamped(through * weight * v3(p + 12u), matte);
      return path;
    }
    let m = hit.material * 12u;
    let kind = floats[m];
    let rough = floats[m + 4u];
    o += hit.t * d;
    var n = hit.normal;
    var cosine = -dot(d, n);
    let entering = cosine > 0.0;
    if (!entering) { n = -n; cosine = -cosine; }
    var colour = v3(m + 1u);
    if (kind == TILES) { colour *= floorShade(o.x, o.z); }
    if (kind == LAMP) {
      if (!matte) { path.light += through * colour; }
      return path;
    }
    if (!featured && (bounce == 3u || (kind != GLASS && kind != METAL))) {
      featured = true;
      path.albedo = colour;
      path.normal = n;
    }
    if (kind == GLASS) {
      let ior = floats[m + 5u];
      let eta = select(ior, 1.0 / ior, entering);
      let under = 1.0 - eta * eta * (1.0 - cosine * cosine);
      if (!entering) { through *= exp(-v3(m + 6u) * hit.t); }
      var mirrored = true;
      if (under > 0.0) {
        let below = sqrt(under);
        let base = (1.0 - ior) / (1.0 + ior);
        mirrored = white() < base * base + (1.0 - base * base) * pow(1.0 - select(below, cosine, entering), 5.0);
        if (!mirrored) { d = eta * d + (eta * cosine - below) * n; through *= colour; }
      }
      if (mirrored) { d += 2.0 * cosine * n; }
      specular = true;
    } else {
      var mirrored = kind == METAL;
      var keep = 1.0;
      if (kind == GLOSSY || kind == TILES) {
        let fresnel = 0.04 + 0.96 * pow(max(0.0, 1.0 - cosine), 5.0);
        let chance = clamp(fresnel / (fresnel + (1.0 - fresnel) * dot(colour, vec3(0.3, 0.5, 0.2))), 0.1, 0.9);
        mirrored = white() < chance;
        keep = select((1.0 - fresnel) / (1.0 - chance), fresnel / chance, mirrored);
      }
      if (mirrored) {
        d += 2.0 * cosine * n;
        if (rough > 0.0) {
          let u = next2();
          let z = 1.0 - 2.0 * u.x;
          let r = sqrt(max(0.0, 1.0 - z * z));
          d += rough * vec3(r * cos(TURN * u.y), z, r * sin(TURN * u.y));
          if (dot(d, n) <= 0.0) { return path; }
        }
        if (kind == METAL) { through *= mix(colour, vec3(1.0), pow(max(0.0, 1.0 - cosine), 5.0)); } else { through *= keep; }
        specular = true;
      } else {
        through *= keep * colour;
        if (params.run.w > 0u) {
          let u = next2();
          let scaled = u.x * f32(params.run.w);
          let chosen = min(params.run.w - 1u, u32(scaled));
          let p = params.floats.w + chosen * 16u;
          let to = v3(p) + (scaled - f32(chosen)) * v3(p + 3u) + u.y * v3(p + 6u) - o;
          let far = length(to);
          let here = dot(to, n) / far;
          let there = -dot(to, v3(p + 9u)) / far;
          if (here > 0.0 && there > 0.0 && !blocked(o, to / far, far * 0.999)) {
            let light = far * far / (there * floats[p + 15u] * f32(params.run.w));
            let other = here / PI;
            path.light += clamped(through * (light / (light * light + other * other)) * other * v3(p + 12u), matte);
          }
        }
        let u = next2();
        let c = sqrt(u.x) * cos(TURN * u.y);
        let q = sqrt(u.x) * sin(TURN * u.y);
        let height = sqrt(1.0 - u.x);
        let way = select(-1.0, 1.0, n.z >= 0.0);
        let k = -1.0 / (way + n.z);
        let xy = n.x * n.y * k;
        d = c * vec3(1.0 + way * n.x * n.x * k, way * xy, -way * n.x) + q * vec3(xy, way + n.y * n.y * k, -n.y) + height * n;
        pdf = height / PI;
        specular = false;
        matte = true;
      }
    }
    d = normalize(d);
    if (bounce >= 3u) {
      let live = min(0.95, max(through.x, max(through.y, through.z)));
      if (white() >= live) { return path; }
      through /= live;
    }
  }
  return path;
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= params.rect.z || id.y >= params.rect.w) { return; }
  let at = (id.y * params.rect.z + id.x) * 12u;
  let pixel = params.rect.xy + id.xy;
  key = hash((pixel.y * params.size.x + pixel.x) ^ params.run.z);
  var colour = vec3(0.0);
  var squares = 0.0;
  var albedo = vec3(0.0);
  var normal = vec3(0.0);
  for (var i = params.run.x; i < params.run.x + params.run.y; i++) {
    sampleIndex = i;
    dimension = 0u;
    state = hash(key + i * 0x9e3779b9u);
    let path = trace(vec2<f32>(pixel));
    let light = dot(path.light, vec3(0.25, 0.5, 0.25));
    colour += path.light;
    squares += light * light;
    albedo += path.albedo;
    normal += path.normal;
  }
  for (var c = 0u; c < 3u; c++) {
    sums[at + c] += colour[c];
    sums[at + 4u + c] += albedo[c];
    sums[at + 7u + c] += normal[c];
  }
  sums[at + 3u] += squares;
}
