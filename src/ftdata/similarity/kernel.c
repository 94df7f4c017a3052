/* The inner loops of near-duplicate search, compiled: the same numbers as the NumPy code beside it, bit for bit.

   Optional: where this is not built, or FTDATA_KERNEL is `off`, the NumPy code does the work (`compiled.py` chooses).
   It is also what says what is right: each function here names the Python function whose results it gives.

   Arrays come in through the buffer protocol: contiguous, aligned, of the type that the function's `spec` names, none
   that is written to sharing memory with another, else ValueError. Offsets and places inside them are data: each is
   held against the length of what it points into before it is used, and a wrong one is a ValueError too. The loops run
   without the GIL; nothing here keeps any state or takes memory. Little-endian only, as `tokens.joined` makes sure. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define VERSION 1 /* one more with each change of what comes out: an old build is not used (`compiled.py`) */
#define BITS 55 /* of a key, that are the shingle's hash */
#define BINS 128
#define EMPTY UINT32_MAX
#define VALUE ((1u << 24) - 1)
#define FEW 16
#define SHORT 64 /* bytes of a word that is hashed here at most */
#define BUCKETS 4096

static const uint64_t WORD = 0x9E3779B97F4A7C15u, WORD2 = 0xD6E8FEB86659FD93u;
static const uint64_t RUN = 0xA0761D6478BD642Fu, KEY = 0xE7037ED1A0B428DBu, HASH = ((uint64_t)1 << BITS) - 1;

/* --- arrays --------------------------------------------------------------------------------------------------- */

typedef struct {
    Py_buffer views[8];
    int written[8], held;
} Arrays;

static void *at(const Arrays *arrays, int nth) { return arrays->views[nth].buf; }

static Py_ssize_t size(const Arrays *arrays, int nth) { return arrays->views[nth].len / arrays->views[nth].itemsize; }

/* Let the arrays go, and give the result if there is one; else raise ValueError, or what was raised already. */
static PyObject *ended(Arrays *arrays, PyObject *result, const char *otherwise) {
    while (arrays->held) PyBuffer_Release(&arrays->views[--arrays->held]);
    if (!result && !PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, otherwise);
    return result;
}

static PyObject *none_if(int fine) { return fine ? Py_NewRef(Py_None) : NULL; }

static const char *fault(const Arrays *arrays, const Py_buffer *view, const char *spec) {
    const char *formats = *spec == 'b' ? "B?" : *spec == 'h' ? "H" : *spec == 'i' ? "IL" : *spec == 'l' ? "lq" : "LQ";
    const Py_ssize_t item = *spec == 'b' ? 1 : *spec == 'h' ? 2 : *spec == 'i' ? 4 : 8;
    const char *format = view->format ? view->format : "B", *one = view->buf;
    if (view->itemsize != item || !*format || format[1] || !strchr(formats, *format)) return "an array of another type";
    if ((uintptr_t)view->buf % (size_t)item) return "an array that is not aligned";
    for (int nth = 0; nth < arrays->held; nth++) {
        const Py_buffer *other = &arrays->views[nth];
        const char *two = other->buf;
        if ((spec[1] == 'w' || arrays->written[nth]) && one < two + other->len && two < one + view->len)
            return "an array that is written to shares memory with another";
    }
    return NULL;
}

/* Take the arrays of a call. `spec` has two letters for each: its type (b uint8 or bool, h uint16, i uint32, l int64,
   q uint64) and whether it is only read (r) or written to (w). */
static int take(Arrays *arrays, PyObject *const *given, Py_ssize_t count, const char *spec) {
    arrays->held = 0;
    if (2 * count != (Py_ssize_t)strlen(spec)) return ended(arrays, NULL, "wrong number of arguments"), 0;
    for (; *spec; spec += 2, given++) {
        Py_buffer *view = &arrays->views[arrays->held];
        if (PyObject_GetBuffer(*given, view, PyBUF_ND | PyBUF_FORMAT | (spec[1] == 'w' ? PyBUF_WRITABLE : 0)) < 0) {
            if (!PyErr_ExceptionMatches(PyExc_TypeError)) PyErr_Clear();
            return ended(arrays, NULL, "an array that is not contiguous, or cannot be written to"), 0;
        }
        const char *wrong = fault(arrays, view, spec);
        arrays->written[arrays->held++] = spec[1] == 'w';
        if (wrong) return ended(arrays, NULL, wrong), 0;
    }
    return 1;
}

/* --- words ---------------------------------------------------------------------------------------------------- */

/* tokens._ascii: small letters into `low`, 1 into `kind` for the bytes of words; says whether all is ASCII.
   level(data, low, kind) */
static PyObject *level(PyObject *self, PyObject *const *given, Py_ssize_t count) {
    Arrays arrays;
    if (!take(&arrays, given, count, "brbwbw")) return NULL;
    const uint8_t *data = at(&arrays, 0);
    uint8_t *low = at(&arrays, 1), *kind = at(&arrays, 2), all = 0;
    const Py_ssize_t length = size(&arrays, 0);
    if (size(&arrays, 1) < length || size(&arrays, 2) < length) return ended(&arrays, NULL, "level: no room");
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t place = 0; place < length; place++) {
        const uint8_t byte = data[place], small = byte | 0x20;
        low[place] = small;
        kind[place] = ((uint8_t)(small - 'a') < 26) | ((uint8_t)(byte - '0') < 10) | (byte == '_');
        all |= byte;
    }
    Py_END_ALLOW_THREADS
    return ended(&arrays, PyBool_FromLong(all < 0x80), NULL);
}

static inline uint64_t load(const uint8_t *from) {
    uint64_t made;
    memcpy(&made, from, 8);
    return made;
}

/* One bit for each of 64 bytes of 0 and 1, of which `left` are there. */
static inline uint64_t packed(const uint8_t *from, int64_t left) {
    uint8_t rest[64] = {0};
    uint64_t made = 0;
    if (left < 64) from = memcpy(rest, from, left);
    for (int part = 0; part < 8; part++)
        made |= ((load(from + 8 * part) & 0x0101010101010101u) * 0x0102040810204080u) >> 56 << (8 * part);
    return made;
}

static inline int lowest(uint64_t bits) {
#ifdef __GNUC__
    return __builtin_ctzll(bits);
#else
    int place = 0;
    for (int step = 32; step; step /= 2)
        if (!(bits & (((uint64_t)1 << step) - 1))) bits >>= step, place += step;
    return place;
#endif
}

#define UP_TO(bytes) (((uint64_t)1 << 8 * (bytes)) - 1)
#define ALL UINT64_MAX
/* What is a word's in its second eight bytes, by its length up to 16; and, 8 places on, in its first. */
static const uint64_t PART[25] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, UP_TO(1), UP_TO(2), UP_TO(3), UP_TO(4), UP_TO(5), UP_TO(6), UP_TO(7),
    ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL,
};

/* tokens._hash and ._long: the hash of a word. One of more than `SHORT` bytes is left unfinished. */
static inline uint64_t word_hash(const uint8_t *word, uint32_t length) {
    const uint32_t most = length < 16 ? length : 16;
    uint64_t made = (load(word) & PART[most + 8]) * WORD;
    made ^= made >> 32;
    made = (made + (load(word + 8) & PART[most])) * WORD2;
    for (uint32_t done = 16; length <= SHORT && done < length; done += 8) {
        made = (made + (load(word + done) & PART[length - done < 8 ? length - done + 8 : 16])) * WORD;
        made ^= made >> 32;
    }
    return made;
}

/* tokens._edges, ._hashed and the bounds of `Words`: the words of levelled texts that begin at `bounds` (ascending).
   `breaks` (or nothing) marks bytes at which a word begins or ends beside another. `edges` takes where each word begins
   and ends, `hashes` its hash, `offsets` which words are each text's.
   words(low, kind, breaks, bounds, edges, hashes, offsets) -> number of words, of those whose hash is unfinished */
static PyObject *words(PyObject *self, PyObject *const *given, Py_ssize_t count) {
    Arrays arrays;
    if (!take(&arrays, given, count, "brbrbrlriwqwlw")) return NULL;
    const uint8_t *low = at(&arrays, 0), *kind = at(&arrays, 1), *breaks = at(&arrays, 2);
    const int64_t *bounds = at(&arrays, 3);
    uint32_t *edges = at(&arrays, 4);
    uint64_t *hashes = at(&arrays, 5);
    int64_t *offsets = at(&arrays, 6);
    const Py_ssize_t texts = size(&arrays, 3) - 1, room = size(&arrays, 4), broken = size(&arrays, 2);
    if (texts < 0 || size(&arrays, 6) != texts + 1) return ended(&arrays, NULL, "words: bounds and offsets differ");
    const int64_t length = bounds[texts];
    if (length < 0 || length > size(&arrays, 1) || length > size(&arrays, 0) - 32 || length > INT32_MAX)
        return ended(&arrays, NULL, "words: the last bound is beyond the text");
    if (broken && broken < length) return ended(&arrays, NULL, "words: too few breaks");
    Py_ssize_t found = 0, longer = 0;
    int64_t start = 0;
    int fine;
    Py_BEGIN_ALLOW_THREADS
    uint64_t before = 0; /* whether the last byte was of a word */
    for (; start < length && found + 130 <= room; start += 64) {
        const uint64_t mine = packed(kind + start, length - start), behind = mine << 1 | before;
        const uint64_t both = broken ? packed(breaks + start, length - start) & mine & behind : 0;
        for (uint64_t edge = (mine ^ behind) | both; edge; edge &= edge - 1) {
            edges[found++] = (uint32_t)start + lowest(edge);
            if (both && both >> lowest(edge) & 1) edges[found] = edges[found - 1], found++; /* one ends, one begins */
        }
        before = mine >> 63;
    }
    fine = start >= length;
    if (fine && before) edges[found++] = (uint32_t)length;
    found /= 2;
    fine = fine && found <= size(&arrays, 5);
    for (Py_ssize_t word = 0; fine && word < found; word++) {
        const uint32_t from = edges[2 * word], bytes = edges[2 * word + 1] - from;
        hashes[word] = word_hash(low + from, bytes);
        longer += bytes > SHORT;
    }
    for (Py_ssize_t text = 0, word = 0; fine && text <= texts; text++) {
        while (word < found && edges[2 * word + 1] < bounds[text]) word++;
        offsets[text] = word;
    }
    Py_END_ALLOW_THREADS
    return ended(&arrays, fine ? Py_BuildValue("nn", found, longer) : NULL, "words: no room");
}

/* --- shingles ------------------------------------------------------------------------------------------------- */

/* Sort hashes, which are spread evenly: each goes where about it belongs by its upper bits, and from there a few steps.
   If those become too many, as hashes made to begin alike could make them, it gives up. */
static int sort(const uint64_t *from, uint64_t *to, size_t count) {
    uint32_t ends[BUCKETS], total = 0;
    int bits = 2;
    while (1 << bits < BUCKETS && (size_t)1 << bits < 2 * count) bits++;
    const int shift = BITS - bits;
    memset(ends, 0, sizeof *ends << bits);
    for (size_t nth = 0; nth < count; nth++) ends[from[nth] >> shift]++;
    for (int bucket = 0; bucket < 1 << bits; bucket++) {
        const uint32_t mine = ends[bucket];
        ends[bucket] = total;
        total += mine;
    }
    for (size_t nth = 0; nth < count; nth++) to[ends[from[nth] >> shift]++] = from[nth];
    size_t steps = 32 * count;
    for (size_t next = 1; next < count; next++) {
        const uint64_t key = to[next];
        size_t place = next;
        for (; place && to[place - 1] > key; place--) to[place] = to[place - 1];
        to[place] = key;
        if (steps < next - place) return 0;
        steps -= next - place;
    }
    return 1;
}

/* hashing._runs, of one text: the hashes of the runs of `ngram` of its words, mixed. */
static void runs(const uint64_t *words, size_t count, size_t ngram, uint64_t *made) {
    uint64_t power = RUN; /* RUN ** length */
    size_t length = 1, bit = 1;
    memcpy(made, words, count * sizeof *made);
    while (bit <= ngram / 2) bit *= 2;
    while (bit /= 2) {
        for (size_t nth = 0; nth + 2 * length <= count; nth++) made[nth] = made[nth] * power + made[nth + length];
        power *= power;
        length *= 2;
        if (ngram & bit) {
            for (size_t nth = 0; nth + length < count; nth++) made[nth] = made[nth] * RUN + words[nth + length];
            power *= RUN;
            length++;
        }
    }
    for (size_t nth = 0; nth + ngram <= count; nth++) made[nth] = (made[nth] ^ made[nth] >> 32) * KEY >> (64 - BITS);
}

/* hashing._shingles and ._each_once: the keys of the shingles of texts whose words are `offsets[i]` to `offsets[i+1]`.
   `spare` and `keys` have room for a key for each word, `counts` takes the number of each text's.
   shingles(hashes, offsets, spare, keys, counts, ngram) -> number of keys; -1 if it gave up */
static PyObject *shingles(PyObject *self, PyObject *const *given, Py_ssize_t count) {
    Arrays arrays;
    const long ngram = count == 6 ? PyLong_AsLong(given[5]) : 0;
    if ((ngram == -1 && PyErr_Occurred()) || !take(&arrays, given, count - 1, "qrlrqwqwlw")) return NULL;
    const uint64_t *hashes = at(&arrays, 0);
    const int64_t *offsets = at(&arrays, 1);
    uint64_t *spare = at(&arrays, 2), *keys = at(&arrays, 3);
    int64_t *counts = at(&arrays, 4);
    const Py_ssize_t words = size(&arrays, 0), texts = size(&arrays, 1) - 1, most = (Py_ssize_t)1 << (64 - BITS);
    if (texts < 0 || texts > most || size(&arrays, 4) != texts || ngram < 1 || ngram > 64)
        return ended(&arrays, NULL, "shingles: not so many texts, or words in a run");
    Py_ssize_t done = 0, room = size(&arrays, 2) < size(&arrays, 3) ? size(&arrays, 2) : size(&arrays, 3);
    int fine = 1;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t text = 0; text < texts; text++) {
        const int64_t begin = offsets[text], end = offsets[text + 1];
        fine = begin >= 0 && begin <= end && end <= words && end - begin <= room - done;
        if (!fine) break;
        const size_t mine = end - begin, run = mine < (size_t)ngram ? mine : (size_t)ngram;
        uint64_t *to = keys + done, last = UINT64_MAX;
        size_t made = mine ? mine - run + 1 : 0, once = 0;
        if (made) runs(hashes + begin, mine, run, spare);
        if (made && !sort(spare, to, made)) {
            done = -1;
            break;
        }
        for (size_t nth = 0; nth < made; nth++) {
            const uint64_t key = to[nth];
            to[once] = key | (uint64_t)text << BITS;
            once += key != last;
            last = key;
        }
        counts[text] = once;
        done += once;
    }
    Py_END_ALLOW_THREADS
    return ended(&arrays, fine ? PyLong_FromSsize_t(done) : NULL, "shingles: offsets beyond the words, or no room");
}

/* --- sketches and sets ---------------------------------------------------------------------------------------- */

/* sketch._values, before the last step, of a text that says something: an empty bin takes from the first in its order
   that is not, and holds above the value what may be left of the turn. */
static void fill(const uint32_t *bins, const uint8_t *orders, const uint8_t *ranks, uint32_t *made) {
    int held = 0;
    for (int bin = 0; bin < BINS; bin++) held += bins[bin] != EMPTY;
    if (held < FEW) { /* from the full one of the lowest rank */
        uint8_t best[BINS];
        memset(best, BINS - 1, sizeof best);
        for (int full = 0; full < BINS; full++)
            for (int bin = 0; bins[full] != EMPTY && bin < BINS; bin++) {
                const uint8_t rank = ranks[full * BINS + bin];
                best[bin] = rank < best[bin] ? rank : best[bin];
            }
        for (int bin = 0; bin < BINS; bin++) made[bin] = bins[orders[best[bin] % BINS * BINS + bin] % BINS];
        return;
    }
    /* The turn goes above the value: the least is then that of the first bin that held something. */
    for (int bin = 0; bin < BINS; bin++) {
        const uint32_t one = bins[orders[BINS + bin] % BINS] | 1u << 24;
        const uint32_t two = bins[orders[2 * BINS + bin] % BINS] | 2u << 24, least = one < two ? one : two;
        made[bin] = bins[bin] < least ? bins[bin] : least;
    }
    for (int bin = 0; bin < BINS; bin++)
        for (int turn = 3; made[bin] == EMPTY && turn < BINS; turn++) made[bin] = bins[orders[turn * BINS + bin] % BINS];
}

/* sketch._binned and ._values: the sum of the shingles of each text, that of their squares, and its 128 values.
   `orders` has a row for each turn, `ranks` one for each bin that is ranked, both a column for each bin that takes.
   sketch(keys, counts, orders, ranks, factors, sums, squares, values) */
static PyObject *sketch(PyObject *self, PyObject *const *given, Py_ssize_t count) {
    Arrays arrays;
    if (!take(&arrays, given, count, "qrlrbrbrirqwqwhw")) return NULL;
    const uint64_t *keys = at(&arrays, 0);
    const int64_t *counts = at(&arrays, 1);
    const uint8_t *orders = at(&arrays, 2), *ranks = at(&arrays, 3);
    const uint32_t *factors = at(&arrays, 4);
    uint64_t *sums = at(&arrays, 5), *squares = at(&arrays, 6);
    uint16_t *values = at(&arrays, 7);
    const Py_ssize_t texts = size(&arrays, 1);
    if (size(&arrays, 2) != BINS * BINS || size(&arrays, 3) != BINS * BINS || size(&arrays, 4) != BINS)
        return ended(&arrays, NULL, "sketch: the tables are of other sizes");
    if (size(&arrays, 5) != texts || size(&arrays, 6) != texts || size(&arrays, 7) != texts * BINS)
        return ended(&arrays, NULL, "sketch: no room");
    Py_ssize_t left = size(&arrays, 0);
    int fine = 1;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t text = 0; text < texts; text++, values += BINS) {
        const int64_t mine = counts[text];
        uint32_t bins[BINS], made[BINS];
        fine = mine >= 0 && mine <= left;
        if (!fine) break;
        memset(bins, 0xFF, sizeof bins);
        memset(made, 0, sizeof made);
        uint64_t sum = 0, square = 0;
        for (int64_t nth = 0; nth < mine; nth++) {
            const uint64_t hash = keys[nth] & HASH;
            const uint32_t value = hash >> (BITS - 7 - 24) & VALUE, bin = (uint32_t)(hash >> (BITS - 7));
            bins[bin] = value < bins[bin] ? value : bins[bin];
            sum += hash;
            square += hash * hash;
        }
        keys += mine;
        left -= mine;
        sums[text] = sum;
        squares[text] = square;
        if (mine) fill(bins, orders, ranks, made);
        for (int bin = 0; bin < BINS; bin++) values[bin] = (uint16_t)((made[bin] & VALUE) * factors[bin] >> 16);
    }
    Py_END_ALLOW_THREADS
    return ended(&arrays, none_if(fine), "sketch: counts beyond the keys");
}

/* verify.Shingles._merged: how many shingles both of each pair have. `begins` and `finish` hold two numbers for each
   pair: where the shingles of the one and of the other (ascending, each once) begin and end in `flat`.
   shared(flat, begins, finish, found) */
static PyObject *shared(PyObject *self, PyObject *const *given, Py_ssize_t count) {
    Arrays arrays;
    if (!take(&arrays, given, count, "qrlrlrlw")) return NULL;
    const uint64_t *flat = at(&arrays, 0);
    const int64_t *begins = at(&arrays, 1), *finish = at(&arrays, 2);
    int64_t *found = at(&arrays, 3);
    const Py_ssize_t length = size(&arrays, 0), pairs = size(&arrays, 3);
    if (size(&arrays, 1) != 2 * pairs || size(&arrays, 2) != 2 * pairs)
        return ended(&arrays, NULL, "shared: sizes differ");
    int fine = 1;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t pair = 0; pair < pairs; pair++) {
        int64_t one = begins[2 * pair], other = begins[2 * pair + 1], both = 0;
        const int64_t end = finish[2 * pair], last = finish[2 * pair + 1];
        fine = one >= 0 && one <= end && end <= length && other >= 0 && other <= last && last <= length;
        if (!fine) break;
        while (one < end && other < last) {
            const uint64_t left = flat[one], right = flat[other];
            both += left == right;
            one += left <= right;
            other += right <= left;
        }
        found[pair] = both;
    }
    Py_END_ALLOW_THREADS
    return ended(&arrays, none_if(fine), "shared: bounds beyond the shingles");
}

/* bands.Bands._screened: in how many of their 128 values the rows of each pair agree.
   agreeing(values, one, other, agree) */
static PyObject *agreeing(PyObject *self, PyObject *const *given, Py_ssize_t count) {
    Arrays arrays;
    if (!take(&arrays, given, count, "hrlrlrbw")) return NULL;
    const uint16_t *values = at(&arrays, 0);
    const int64_t *one = at(&arrays, 1), *other = at(&arrays, 2);
    uint8_t *agree = at(&arrays, 3);
    const Py_ssize_t rows = size(&arrays, 0) / BINS, pairs = size(&arrays, 3);
    if (size(&arrays, 1) != pairs || size(&arrays, 2) != pairs) return ended(&arrays, NULL, "agreeing: sizes differ");
    int fine = 1;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t pair = 0; pair < pairs; pair++) {
        const int64_t left = one[pair], right = other[pair];
        uint16_t same = 0;
        fine = left >= 0 && left < rows && right >= 0 && right < rows;
        if (!fine) break;
        for (int bin = 0; bin < BINS; bin++) same += values[left * BINS + bin] == values[right * BINS + bin];
        agree[pair] = (uint8_t)same;
    }
    Py_END_ALLOW_THREADS
    return ended(&arrays, none_if(fine), "agreeing: rows beyond the values");
}

/* --- the module ----------------------------------------------------------------------------------------------- */

#define METHOD(name) {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL}
static PyMethodDef methods[] = {METHOD(level),  METHOD(words),    METHOD(shingles),     METHOD(sketch),
                                METHOD(shared), METHOD(agreeing), {NULL, NULL, 0, NULL}};
static int begin(PyObject *made) { return PyModule_AddIntConstant(made, "VERSION", VERSION); }
static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)begin}, {0, NULL}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_kernel", NULL, 0, methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&module); }
