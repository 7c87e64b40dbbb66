using System.Runtime.CompilerServices;
using Cria.Kernels.Emitted;

namespace Cria.Kernels;

/// <summary>Keys and values that a run of query rows attends to, in pages of 64 positions.</summary>
/// <param name="Pages">The pages.</param>
/// <param name="Position">The last position that the first row sees.</param>
/// <param name="Step">How many more each further row sees: 1 where rows are positions themselves, 0 where all see the same.</param>
/// <param name="LogCount">The base-2 logarithm of how often every key counts.</param>
readonly record struct AttentionPart(nint[] Pages, int Position, int Step = 0, float LogCount = 0)
{
    /// <summary>Positions that some of so many rows see.</summary>
    public int Positions(int rows) => Position + (rows - 1) * Step + 1;

    /// <summary>The spans that these lie in.</summary>
    public int Spans(int rows) => (Positions(rows) + KvFormat.SpanPositions - 1) / KvFormat.SpanPositions;
}

/// <summary>A run of query rows that attend to the same, and the one kv head their heads share.</summary>
unsafe struct AttentionTask
{
    /// <summary>The first head of the group in the first row; [rows][<see cref="Group"/>][head size], rows <see cref="Stride"/> apart.</summary>
    public float* Queries, Output;
    public nint Stride;

    /// <summary>Rows, and query heads on this kv head.</summary>
    public int Rows, Group;

    /// <summary>What they attend to.</summary>
    public AttentionPart[] Parts;

    /// <summary>Where in a page this layer's keys and values of this head lie.</summary>
    public nint KeyOffset, ValueOffset;

    /// <summary>The spans of positions to attend to, counted through all parts.</summary>
    public int FirstSpan, EndSpan;

    /// <summary>Where each span's contribution goes; null if the spans are all there are and <see cref="Output"/> gets the result.</summary>
    public float* Partials;
}

/// <summary>
/// Attention of a group of query heads on one kv head, softmax(q Kᵀ / sqrt(d)) V. The positions of a part are cut into spans that begin at
/// multiples of 512 whatever the caller's chunks are; within a span the softmax is computed online (Milakov and Gimelshein 2018) over
/// blocks of 64 positions; spans are merged in ascending order. Every sum has its own accumulator over ascending positions, and a
/// masked position is not added at all, or with weight 0: a row's result depends on its sequence only, also where spans are spread over threads.
/// </summary>
static unsafe class Attention<T, W, V> where T : struct, IKvType<W, V> where W : struct, IWidth<V> where V : struct
{
    const int Block = KvFormat.BlockPositions;

    /// <summary>Queries up to which elements are widened as they are multiplied, not once for all.</summary>
    const int FewQueries = 8;

    /// <summary>Queries of the next tile where <paramref name="left"/> are left.</summary>
    static int TileQueries(int left) => W.ManyRegisters && left > FewQueries ? 12 : 4;

    /// <summary>What is known of the queries while they meet the keys. Where a tile is not full its last query is repeated.</summary>
    struct State
    {
        /// <summary>Tile after tile, [head size][queries of the tile], times log2(e) / sqrt(d).</summary>
        public float* Queries;

        /// <summary>Of the span: weighted values [queries][value stride], weights' sums [queries][lanes], largest scores.</summary>
        public float* Output, Sums, Max;

        /// <summary>The same of all spans before.</summary>
        public float* TotalOutput, TotalSums, TotalMax;

        /// <summary>Of a tile: scores [groups][12][score stride], factors [12][lanes].</summary>
        public float* Scores, Corrections;

        /// <summary>Of a block: scales [groups][64] and elements as float32.</summary>
        public float* KeyScales, ValueScales, Keys, Values;

        public int* Positions;
        public int Count, HeadSize, ValueStride, Groups, BlockBytes;

        /// <summary>Whether products are those of <see cref="PairAttention"/>, whose queries are [queries][pairs of elements].</summary>
        public bool Rounds;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public State(KvFormat format, int queries, float* memory)
        {
            (Count, HeadSize, ValueStride, Rounds) = (queries, format.HeadSize, format.ValueStride, format.Rounds);
            Groups = T.HasScales ? HeadSize / KvGroup.Size : 1;
            BlockBytes = format.KeyBytes + format.ValueBytes;
            var padded = queries + 12;
            var tile = Rounds ? PairAttention.TileQueries : 12;
            Queries = Take(ref memory, padded * HeadSize);
            Output = Take(ref memory, padded * ValueStride);
            Sums = Take(ref memory, padded * W.Count);
            Max = Take(ref memory, padded);
            TotalOutput = Take(ref memory, padded * ValueStride);
            TotalSums = Take(ref memory, padded * W.Count);
            TotalMax = Take(ref memory, padded);
            Scores = Take(ref memory, Groups * tile * AttentionTiles<T, W, V>.ScoreStride);
            Corrections = Take(ref memory, tile * W.Count);
            KeyScales = Take(ref memory, Groups * Block);
            ValueScales = Take(ref memory, Groups * Block);
            Keys = Take(ref memory, HeadSize * Block);
            Values = Take(ref memory, ValueStride * Block);
            Positions = (int*)Take(ref memory, padded);
            End = memory;
        }

        public float* End;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static float* Take(ref float* memory, int count)
        {
            var taken = memory;
            memory += (count + 15) & ~15;
            return taken;
        }
    }

    /// <summary>Floats of scratch memory that a task of <paramref name="queries"/> rows times heads needs, and its merge.</summary>
    public static int ScratchFloats(KvFormat format, int queries) => (int)(new State(format, queries, null).End - (float*)null);

    /// <summary>Floats of what one span contributes to a number of queries: [queries][weighted values, sums of weights, largest score].</summary>
    public static int PartialFloats(KvFormat format, int queries) => queries * (format.ValueStride + W.Count + 1);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in AttentionTask task, KvFormat format, float* scratch)
    {
        var state = new State(format, task.Rows * task.Group, scratch);
        Pack(task, state);
        Clear(state.TotalOutput, state.TotalSums, state.TotalMax, state.Count, state.ValueStride);
        var partial = task.Partials;
        var before = 0; // spans of the parts before
        foreach (var part in task.Parts)
        {
            var end = Math.Min(part.Positions(task.Rows), (task.EndSpan - before) * KvFormat.SpanPositions);
            Place(task, part, state);
            for (var first = Math.Max(0, task.FirstSpan - before) * KvFormat.SpanPositions; first < end; first += KvFormat.SpanPositions)
            {
                Clear(state.Output, state.Sums, state.Max, state.Count + 12, state.ValueStride);
                for (var start = first; start < Math.Min(end, first + KvFormat.SpanPositions); start += Block)
                    Attend(task, part.Pages, state, start, end);
                if (task.Partials == null)
                    for (var query = 0; query < state.Count; query++)
                        Add(state, query, state.Output + query * state.ValueStride, state.Sums + query * W.Count, state.Max[query] + part.LogCount);
                else
                    Save(state, part.LogCount, ref partial);
            }
            before += part.Spans(task.Rows);
        }
        if (task.Partials == null)
            Finish(task, state);
    }

    /// <summary>The result of all spans [<see cref="AttentionTask.FirstSpan"/>, <see cref="AttentionTask.EndSpan"/>) from what each contributed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Merge(in AttentionTask task, KvFormat format, float* scratch)
    {
        var state = new State(format, task.Rows * task.Group, scratch);
        Clear(state.TotalOutput, state.TotalSums, state.TotalMax, state.Count, state.ValueStride);
        var partial = task.Partials;
        for (var span = task.FirstSpan; span < task.EndSpan; span++)
            for (var query = 0; query < state.Count; query++, partial += PartialFloats(format, 1))
                Add(state, query, partial, partial + state.ValueStride, partial[state.ValueStride + W.Count]);
        Finish(task, state);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Pack(in AttentionTask task, in State state)
    {
        var factor = (float)(Math.Log2(Math.E) / Math.Sqrt(state.HeadSize)) * T.Scale;
        for (var query = 0; state.Rounds && query < state.Count; query++)
        {
            var (row, head) = Math.DivRem(query, task.Group);
            PairAttention.PackQuery(task.Queries + row * task.Stride + head * state.HeadSize, state.HeadSize, factor, (ushort*)state.Queries + 2 * query * PairAttention.Pairs(state.HeadSize));
        }
        if (state.Rounds)
            return;
        for (int first = 0, tile; first < state.Count; first += tile)
        {
            tile = TileQueries(state.Count - first);
            for (var i = 0; i < tile; i++)
            {
                var (row, head) = Math.DivRem(Math.Min(first + i, state.Count - 1), task.Group);
                var source = task.Queries + row * task.Stride + head * state.HeadSize;
                var target = state.Queries + first * state.HeadSize + i;
                for (var d = 0; d < state.HeadSize; d++, target += tile)
                    *target = source[d] * factor;
            }
        }
    }

    /// <summary>How far each query sees in a part.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Place(in AttentionTask task, in AttentionPart part, in State state)
    {
        for (var query = 0; query < state.Count + 12; query++)
            state.Positions[query] = part.Position + Math.Min(query, state.Count - 1) / task.Group * part.Step;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Clear(float* output, float* sums, float* max, int queries, int stride)
    {
        new Span<float>(output, queries * stride).Clear();
        new Span<float>(sums, queries * W.Count).Clear();
        new Span<float>(max, queries).Fill(float.NegativeInfinity);
    }

    /// <summary>All queries on the block of positions that begins at <paramref name="start"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Attend(in AttentionTask task, nint[] pages, in State state, int start, int end)
    {
        var page = pages[start / Block];
        byte* keys = (byte*)page + task.KeyOffset, values = (byte*)page + task.ValueOffset;
        if (state.Rounds)
        {
            var next = start + Block < end ? (byte*)pages[start / Block + 1] + task.KeyOffset : null;
            AttendRounded(state, start, (ushort*)keys, (ushort*)values, Math.Min(Block, end - start), new(next, next + state.BlockBytes, 64));
            return;
        }
        if (T.HasScales)
        {
            WidenScales((ushort*)(keys + state.HeadSize * Block), state.Groups, state.KeyScales);
            WidenScales((ushort*)(values + state.ValueStride * Block), state.Groups, state.ValueScales);
        }
        if (state.Count <= FewQueries || T.Size == sizeof(float))
        {
            Attend<T>(state, start, keys, values, start + Block < end ? Ahead((byte*)pages[start / Block + 1], task, state) : default);
            return;
        }
        AttentionTiles<T, W, V>.Widen(keys, state.HeadSize * Block, state.Keys);
        AttentionTiles<T, W, V>.Widen(values, state.ValueStride * Math.Min(Block, end - start), state.Values);
        Attend<F32Kv<W, V>>(state, start, (byte*)state.Keys, (byte*)state.Values, default);
    }

    /// <summary>The keys and values of a page, which lie together, in as many steps as a tile of 4 takes on the page before, or in fewer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Prefetcher Ahead(byte* page, in AttentionTask task, in State state)
    {
        var steps = (state.HeadSize + state.ValueStride) * Block / (2 * W.Count);
        var first = page + task.KeyOffset;
        return new(first, first + state.BlockBytes, (state.BlockBytes / steps + 63) & ~63);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void WidenScales(ushort* scales, int groups, float* target)
    {
        for (var i = 0; i < groups * Block; i += W.Count)
            W.Store(W.WidenF16(scales + i), target + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Attend<U>(in State state, int start, byte* keys, byte* values, Prefetcher next) where U : struct, IKvType<W, V>
    {
        const int scoreStride = AttentionTiles<U, W, V>.ScoreStride;
        var (groups, stride) = (state.Groups, state.ValueStride);
        var scores = state.Scores;
        var (groupKeys, groupValues) = T.HasScales ? (KvGroup.Size, KvGroup.Size) : (state.HeadSize, stride);
        for (int first = 0, tile; first < state.Count; first += tile)
        {
            tile = TileQueries(state.Count - first);
            var most = Visible(state.Positions[first + tile - 1], start);
            if (most == 0)
                continue;
            for (var g = 0; g < groups; g++)
            {
                var q = state.Queries + first * state.HeadSize + g * groupKeys * tile;
                var k = keys + g * groupKeys * Block * U.Size;
                var scales = T.HasScales ? state.KeyScales + g * Block : null;
                if (tile == 12)
                    AttentionTiles<U, W, V>.Scores12(q, k, groupKeys, most, scales, g > 0, scores);
                else
                    AttentionTiles<U, W, V>.Scores4(q, k, groupKeys, most, ref next, scales, g > 0, scores);
            }
            for (var i = 0; i < tile; i++)
            {
                Softmax(scores + i * scoreStride, Visible(state.Positions[first + i], start), state.ValueScales, groups,
                    state.Max + first + i, state.Sums + (first + i) * W.Count, state.Corrections + i * W.Count);
            }
            var least = Visible(state.Positions[first], start);
            for (var g = 0; g < groups; g++)
            {
                var w = scores + g * 12 * scoreStride;
                var v = values + g * groupValues * U.Size;
                var o = state.Output + first * stride + g * groupValues;
                if (tile == 12)
                    AttentionTiles<U, W, V>.Values12(w, state.Corrections, v, stride, groupValues, least, o);
                else
                    AttentionTiles<U, W, V>.Values4(w, state.Corrections, v, stride, groupValues, least, ref next, o);
                for (var i = 0; least < most && i < tile; i++)
                {
                    AttentionTiles<U, W, V>.Values1(w + i * scoreStride, v, stride, groupValues, least,
                        Visible(state.Positions[first + i], start), o + i * stride);
                }
            }
        }
    }

    /// <summary>All queries on a block of which some query sees <paramref name="positions"/>, in BF16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AttendRounded(in State state, int start, ushort* keys, ushort* values, int positions, Prefetcher next)
    {
        const int scoreStride = AttentionTiles<T, W, V>.ScoreStride;
        var (pairs, vectors) = (PairAttention.Pairs(state.HeadSize), PairAttention.Vectors(state.HeadSize));
        PairAttention.PackKeys(keys, state.HeadSize, (ushort*)state.Keys);
        PairAttention.PackValues(values, state.ValueStride, positions, vectors, (ushort*)state.Values);
        for (int first = 0, tile; first < state.Count; first += tile)
        {
            tile = Math.Min(PairAttention.TileQueries, state.Count - first);
            var most = Visible(state.Positions[first + tile - 1], start);
            if (most == 0)
                continue;
            PairAttention.Scores((ushort*)state.Queries + 2 * first * pairs, tile, pairs, (ushort*)state.Keys, state.Scores, scoreStride);
            for (var i = 0; i < tile; i++)
            {
                PairAttention.Softmax(state.Scores + i * scoreStride, Visible(state.Positions[first + i], start), state.Max + first + i,
                    state.Sums + (first + i) * W.Count, state.Corrections + i * W.Count);
                next.Step();
                next.Step();
            }
            PairAttention.Values(state.Scores, scoreStride, tile, (most + 1) / 2, state.Corrections, (ushort*)state.Values, vectors, state.Output + first * state.ValueStride, state.ValueStride);
        }
    }

    /// <summary>How many positions of a block a query sees.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Visible(int position, int start) => Math.Clamp(position + 1 - start, 0, Block);

    /// <summary>
    /// Turns the first <paramref name="visible"/> scores into weights relative to the new maximum, times the scales of the values: one set
    /// of weights a group. <paramref name="correction"/> is the factor that brings what was summed before to the new maximum.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Softmax(float* scores, int visible, float* valueScales, int groups, float* max, float* sums, float* correction)
    {
        var whole = visible & -W.Count;
        var (before, lowest) = (W.Broadcast(*max), W.Broadcast(float.NegativeInfinity));
        var (largest, shift, factor) = (before, before, W.Broadcast(1));
        for (var i = 0; i < whole; i += W.Count)
            largest = W.Max(largest, W.Load(scores + i));
        if (whole < visible)
            largest = W.Max(largest, W.First(visible - whole, W.Load(scores + whole), lowest));
        if (W.AnyGreater(largest, before))
        {
            *max = W.HorizontalMax(largest);
            shift = W.Broadcast(*max);
            factor = W.Exp2(W.Subtract(before, shift));
        }

        V total = default;
        for (var i = 0; i < whole; i += W.Count)
        {
            var weights = W.Exp2(W.Subtract(W.Load(scores + i), shift));
            total = W.Add(total, weights);
            Store(weights, scores + i, valueScales + i, groups);
        }
        if (whole < visible)
        {
            var weights = W.First(visible - whole, W.Exp2(W.Subtract(W.Load(scores + whole), shift)), default);
            total = W.Add(total, weights);
            Store(weights, scores + whole, valueScales + whole, groups);
        }
        W.Store(W.MultiplyAdd(W.Load(sums), factor, total), sums);
        W.Store(factor, correction);
    }

    /// <summary>Stores weights times the scales of each group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(V weights, float* target, float* scales, int groups)
    {
        if (!T.HasScales)
            W.Store(T.Scale == 1 ? weights : W.Multiply(weights, W.Broadcast(T.Scale)), target);
        else
            for (; groups > 0; groups--, target += 12 * AttentionTiles<T, W, V>.ScoreStride, scales += Block)
                W.Store(W.Multiply(weights, W.Load(scales)), target);
    }

    /// <summary>Adds what a span contributed to a query.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Add(in State state, int query, float* output, float* sums, float max)
    {
        if (max == float.NegativeInfinity)
            return; // the query sees nothing of this span
        var before = state.TotalMax[query];
        var newMax = MathF.Max(before, max);
        state.TotalMax[query] = newMax;
        var (old, added) = (W.Exp2(W.Broadcast(before - newMax)), W.Exp2(W.Broadcast(max - newMax)));
        float* totalOutput = state.TotalOutput + query * state.ValueStride, totalSums = state.TotalSums + query * W.Count;
        for (var i = 0; i < state.ValueStride; i += W.Count)
            W.Store(W.MultiplyAdd(W.Load(output + i), added, W.Multiply(W.Load(totalOutput + i), old)), totalOutput + i);
        W.Store(W.MultiplyAdd(W.Load(sums), added, W.Multiply(W.Load(totalSums), old)), totalSums);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Save(in State state, float logCount, ref float* partial)
    {
        for (var query = 0; query < state.Count; query++, partial += state.ValueStride + W.Count + 1)
        {
            for (var i = 0; i < state.ValueStride; i += W.Count)
                W.Store(W.Load(state.Output + query * state.ValueStride + i), partial + i);
            W.Store(W.Load(state.Sums + query * W.Count), partial + state.ValueStride);
            partial[state.ValueStride + W.Count] = state.Max[query] + logCount;
        }
    }

    /// <summary>Divides by the sums of the weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Finish(in AttentionTask task, in State state)
    {
        for (var query = 0; query < state.Count; query++)
        {
            var source = state.TotalOutput + query * state.ValueStride;
            var target = task.Output + query / task.Group * task.Stride + query % task.Group * state.HeadSize;
            var divisor = W.Sum(W.Load(state.TotalSums + query * W.Count));
            var i = 0;
            for (var divisors = W.Broadcast(divisor); i <= state.HeadSize - W.Count; i += W.Count)
                W.Store(W.Divide(W.Load(source + i), divisors), target + i);
            for (; i < state.HeadSize; i++)
                target[i] = source[i] / divisor;
        }
    }
}
