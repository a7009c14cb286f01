;; Which words of a window may be pointers to objects: four 64-bit words at a time. Byte offsets into
;; the memory: words from $at to $end (a multiple of 32 bytes apart), places written from $places on.
;; Both functions return how many places they have noted; pointer-filter.ts says what counts.
;; test/unit/snapshot/scan/pointer-filter.test.ts assembles this text and holds the bytes of
;; pointer-filter-module.ts to it.
(module
  (import "env" "memory" (memory 1))

  (func (export "collect")
    (param $at i32)
    (param $end i32)
    (param $places i32)
    (param $min i32)
    (param $span i32)
    (result i32)
    (local $out i32) (local $mask i32) (local $index i32)
    (local $high v128)
    (local $mins v128) (local $spans v128)
    (local.set $out (local.get $places))
    (local.set $mins (i32x4.splat (local.get $min)))
    (local.set $spans (i32x4.splat (local.get $span)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        ;; The high halves of four words: the second half of each of two vectors of two words.
        (local.set $high
          (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31
            (v128.load offset=0 align=8 (local.get $at))
            (v128.load offset=16 align=8 (local.get $at))))
        (local.set $mask
          (i32x4.bitmask
            (i32x4.le_u (i32x4.sub (local.get $high) (local.get $mins)) (local.get $spans))))
        (if (local.get $mask)
          (then
          ;; Each of the four places is written; the next one overwrites it where its bit is not set.
          (local.set $index (i32.shr_u (local.get $at) (i32.const 2)))
          (i32.store (local.get $out) (i32.add (local.get $index) (i32.const 0)))
          (local.set $out
            (i32.add (local.get $out)
              (i32.shl (i32.and (i32.shr_u (local.get $mask) (i32.const 0)) (i32.const 1)) (i32.const 2))))
          (i32.store (local.get $out) (i32.add (local.get $index) (i32.const 2)))
          (local.set $out
            (i32.add (local.get $out)
              (i32.shl (i32.and (i32.shr_u (local.get $mask) (i32.const 1)) (i32.const 1)) (i32.const 2))))
          (i32.store (local.get $out) (i32.add (local.get $index) (i32.const 4)))
          (local.set $out
            (i32.add (local.get $out)
              (i32.shl (i32.and (i32.shr_u (local.get $mask) (i32.const 2)) (i32.const 1)) (i32.const 2))))
          (i32.store (local.get $out) (i32.add (local.get $index) (i32.const 6)))
          (local.set $out
            (i32.add (local.get $out)
              (i32.shl (i32.and (i32.shr_u (local.get $mask) (i32.const 3)) (i32.const 1)) (i32.const 2))))
          ))
        (local.set $at (i32.add (local.get $at) (i32.const 32)))
        (br $next)))
    (i32.shr_u (i32.sub (local.get $out) (local.get $places)) (i32.const 2)))

  (func (export "collectWithOffsets")
    (param $at i32)
    (param $end i32)
    (param $places i32)
    (param $min i32)
    (param $span i32)
    (param $minOffset i32)
    (param $offsetSpan i32)
    (param $minLow i32)
    (param $lowSpan i32)
    (result i32)
    (local $out i32) (local $mask i32) (local $index i32)
    (local $high v128)
    (local $mins v128) (local $spans v128) (local $minOffsets v128) (local $offsetSpans v128) (local $minLows v128) (local $lowSpans v128)
    (local.set $out (local.get $places))
    (local.set $mins (i32x4.splat (local.get $min)))
    (local.set $spans (i32x4.splat (local.get $span)))
    (local.set $minOffsets (i32x4.splat (local.get $minOffset)))
    (local.set $offsetSpans (i32x4.splat (local.get $offsetSpan)))
    (local.set $minLows (i32x4.splat (local.get $minLow)))
    (local.set $lowSpans (i32x4.splat (local.get $lowSpan)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        ;; The high halves of four words: the second half of each of two vectors of two words.
        (local.set $high
          (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31
            (v128.load offset=0 align=8 (local.get $at))
            (v128.load offset=16 align=8 (local.get $at))))
        (local.set $mask
          (i32x4.bitmask
            (v128.or
              (i32x4.le_u (i32x4.sub (local.get $high) (local.get $mins)) (local.get $spans))
              (v128.and
                (i32x4.le_u (i32x4.sub (local.get $high) (local.get $minOffsets)) (local.get $offsetSpans))
                ;; Where the high half is 0, the low half has bounds of its own.
                (v128.or
                  (i32x4.ne (local.get $high) (i32x4.splat (i32.const 0)))
                  (i32x4.le_u
                    (i32x4.sub
                      (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
                        (v128.load offset=0 align=8 (local.get $at))
                        (v128.load offset=16 align=8 (local.get $at)))
                      (local.get $minLows))
                    (local.get $lowSpans)))))))
        (if (local.get $mask)
          (then
          ;; Each of the four places is written; the next one overwrites it where its bit is not set.
          (local.set $index (i32.shr_u (local.get $at) (i32.const 2)))
          (i32.store (local.get $out) (i32.add (local.get $index) (i32.const 0)))
          (local.set $out
            (i32.add (local.get $out)
              (i32.shl (i32.and (i32.shr_u (local.get $mask) (i32.const 0)) (i32.const 1)) (i32.const 2))))
          (i32.store (local.get $out) (i32.add (local.get $index) (i32.const 2)))
          (local.set $out
            (i32.add (local.get $out)
              (i32.shl (i32.and (i32.shr_u (local.get $mask) (i32.const 1)) (i32.const 1)) (i32.const 2))))
          (i32.store (local.get $out) (i32.add (local.get $index) (i32.const 4)))
          (local.set $out
            (i32.add (local.get $out)
              (i32.shl (i32.and (i32.shr_u (local.get $mask) (i32.const 2)) (i32.const 1)) (i32.const 2))))
          (i32.store (local.get $out) (i32.add (local.get $index) (i32.const 6)))
          (local.set $out
            (i32.add (local.get $out)
              (i32.shl (i32.and (i32.shr_u (local.get $mask) (i32.const 3)) (i32.const 1)) (i32.const 2))))
          ))
        (local.set $at (i32.add (local.get $at) (i32.const 32)))
        (br $next)))
    (i32.shr_u (i32.sub (local.get $out) (local.get $places)) (i32.const 2)))
)
