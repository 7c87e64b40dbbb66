using System.Runtime.CompilerServices;

namespace Cria.Kernels;

/// <summary>Operations on one row of activations, each in an order that depends on the row's length only.</summary>
static unsafe class RowOperations<W, V> where W : struct, IWidth<V> where V : struct
{
    /// <summary>y = x / sqrt(mean(x²) + epsilon) * weight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RmsNorm(float* x, float* weight, int columns, float epsilon, float* y)
    {
        V sum0 = default, sum1 = default;
        var i = 0;
        for (; i <= columns - 2 * W.Count; i += 2 * W.Count)
        {
            var (a, b) = (W.Load(x + i), W.Load(x + i + W.Count));
            sum0 = W.MultiplyAdd(a, a, sum0);
            sum1 = W.MultiplyAdd(b, b, sum1);
        }
        var sum = W.Sum(W.Add(sum0, sum1));
        for (; i < columns; i++)
            sum += x[i] * x[i];

        var scale = 1 / MathF.Sqrt(sum / columns + epsilon);
        var scales = W.Broadcast(scale);
        for (i = 0; i <= columns - W.Count; i += W.Count)
            W.Store(W.Multiply(W.Multiply(W.Load(x + i), scales), W.Load(weight + i)), y + i);
        for (; i < columns; i++)
            y[i] = x[i] * scale * weight[i];
    }

    /// <summary>y = (x - mean(x)) / sqrt(mean((x - mean(x))²) + epsilon) * weight + bias.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LayerNorm(float* x, float* weight, float* bias, int columns, float epsilon, float* y)
    {
        V sums = default;
        var i = 0;
        for (; i <= columns - W.Count; i += W.Count)
            sums = W.Add(sums, W.Load(x + i));
        var sum = W.Sum(sums);
        for (; i < columns; i++)
            sum += x[i];
        var mean = sum / columns;

        var (means, squares) = (W.Broadcast(mean), default(V));
        for (i = 0; i <= columns - W.Count; i += W.Count)
        {
            var d = W.Subtract(W.Load(x + i), means);
            squares = W.MultiplyAdd(d, d, squares);
        }
        var square = W.Sum(squares);
        for (; i < columns; i++)
            square += (x[i] - mean) * (x[i] - mean);

        var scale = 1 / MathF.Sqrt(square / columns + epsilon);
        var scales = W.Broadcast(scale);
        for (i = 0; i <= columns - W.Count; i += W.Count)
            W.Store(W.MultiplyAdd(W.Multiply(W.Subtract(W.Load(x + i), means), scales), W.Load(weight + i), W.Load(bias + i)), y + i);
        for (; i < columns; i++)
            y[i] = MathF.FusedMultiplyAdd((x[i] - mean) * scale, weight[i], bias[i]);
    }

    /// <summary>x = x (1 + erf(x / sqrt(2))) / 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gelu(float* x, int count)
    {
        var i = 0;
        for (; i <= count - W.Count; i += W.Count)
            W.Store(Gelu(W.Load(x + i)), x + i);
        if (i == count)
            return;
        var rest = stackalloc float[W.Count];
        new Span<float>(rest, W.Count).Clear();
        new ReadOnlySpan<float>(x + i, count - i).CopyTo(new Span<float>(rest, W.Count));
        W.Store(Gelu(W.Load(rest)), rest);
        new ReadOnlySpan<float>(rest, count - i).CopyTo(new Span<float>(x + i, count - i));
    }

    /// <summary>
    /// max(v, 0) - |v| erfc(|v| / sqrt(2)) / 2; erfc by Hastings' formula (Abramowitz and Stegun 7.1.26), whose error is at most 1.5e-7, as
    /// a product with e^-v²/2, so that nothing cancels where v is far below 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Gelu(V v)
    {
        var size = W.Max(v, W.Subtract(default, v));
        var t = W.Divide(W.Broadcast(1), W.MultiplyAdd(size, W.Broadcast(0.3275911f * 0.70710678f), W.Broadcast(1)));
        var p = W.MultiplyAdd(t, W.Broadcast(1.061405429f / 2), W.Broadcast(-1.453152027f / 2));
        p = W.MultiplyAdd(p, t, W.Broadcast(1.421413741f / 2));
        p = W.MultiplyAdd(p, t, W.Broadcast(-0.284496736f / 2));
        p = W.MultiplyAdd(p, t, W.Broadcast(0.254829592f / 2));
        var tail = W.Multiply(W.Multiply(p, t), Exp(W.Multiply(W.Multiply(size, size), W.Broadcast(-0.5f))));
        return W.Subtract(W.Max(v, default), W.Multiply(size, tail));
    }

    /// <summary>gate = gate * sigmoid(gate) * up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SwiGlu(float* gate, float* up, int count)
    {
        var i = 0;
        for (; i <= count - W.Count; i += W.Count)
            W.Store(SwiGlu(W.Load(gate + i), W.Load(up + i)), gate + i);
        if (i == count)
            return;
        var rest = stackalloc float[2 * W.Count];
        new Span<float>(rest, 2 * W.Count).Clear();
        new ReadOnlySpan<float>(gate + i, count - i).CopyTo(new Span<float>(rest, W.Count));
        new ReadOnlySpan<float>(up + i, count - i).CopyTo(new Span<float>(rest + W.Count, W.Count));
        W.Store(SwiGlu(W.Load(rest), W.Load(rest + W.Count)), rest);
        new ReadOnlySpan<float>(rest, count - i).CopyTo(new Span<float>(gate + i, count - i));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V SwiGlu(V gate, V up)
    {
        var one = W.Broadcast(1);
        var sigmoid = W.Divide(one, W.Add(one, Exp(W.Subtract(default, gate))));
        return W.Multiply(W.Multiply(gate, sigmoid), up);
    }

    /// <summary>x += y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* x, float* y, int count)
    {
        var i = 0;
        for (; i <= count - W.Count; i += W.Count)
            W.Store(W.Add(W.Load(x + i), W.Load(y + i)), x + i);
        for (; i < count; i++)
            x[i] += y[i];
    }

    /// <summary>x += y * factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(float* x, float* y, float factor, int count)
    {
        var (i, factors) = (0, W.Broadcast(factor));
        for (; i <= count - W.Count; i += W.Count)
            W.Store(W.MultiplyAdd(W.Load(y + i), factors, W.Load(x + i)), x + i);
        for (; i < count; i++)
            x[i] = MathF.FusedMultiplyAdd(y[i], factor, x[i]);
    }

    /// <summary>Rotates the pairs (x[i], x[i + half]) of every head by the angles whose cosines and sines are given.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rotate(float* x, int heads, int headSize, float* cos, float* sin)
    {
        var half = headSize / 2;
        for (var head = 0; head < heads; head++, x += headSize)
        {
            var i = 0;
            for (; i <= half - W.Count; i += W.Count)
            {
                var (a, b, c, s) = (W.Load(x + i), W.Load(x + half + i), W.Load(cos + i), W.Load(sin + i));
                W.Store(W.Subtract(W.Multiply(a, c), W.Multiply(b, s)), x + i);
                W.Store(W.Add(W.Multiply(b, c), W.Multiply(a, s)), x + half + i);
            }
            for (; i < half; i++)
            {
                var (a, b) = (x[i], x[half + i]);
                x[i] = a * cos[i] - b * sin[i];
                x[half + i] = b * cos[i] + a * sin[i];
            }
        }
    }

    /// <summary>
    /// Rotates the pairs (x[2 i], x[2 i + 1]) of every head and puts them to i and half + i: from the order of rows that Meta and GGUF
    /// give query and key to that of Hugging Face.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RotateAdjacent(float* x, int heads, int headSize, float* cos, float* sin)
    {
        var half = headSize / 2;
        var rotated = stackalloc float[headSize];
        for (var head = 0; head < heads; head++, x += headSize)
        {
            var i = 0;
            for (; i <= half - W.Count; i += W.Count)
            {
                W.LoadDeinterleaved(x + 2 * i, out var a, out var b);
                var (c, s) = (W.Load(cos + i), W.Load(sin + i));
                W.Store(W.Subtract(W.Multiply(a, c), W.Multiply(b, s)), rotated + i);
                W.Store(W.Add(W.Multiply(b, c), W.Multiply(a, s)), rotated + half + i);
            }
            for (; i < half; i++)
            {
                var (a, b) = (x[2 * i], x[2 * i + 1]);
                rotated[i] = a * cos[i] - b * sin[i];
                rotated[half + i] = b * cos[i] + a * sin[i];
            }
            new ReadOnlySpan<float>(rotated, headSize).CopyTo(new Span<float>(x, headSize));
        }
    }

    /// <summary>
    /// eˣ within 2 units in the last place; 0 below -104, infinity above 88.73. x = n ln 2 + r with |r| at most ln 2 / 2, e^r by its
    /// Taylor polynomial of degree 7, ln 2 in two parts so that r is exact to float32 (Cody and Waite).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp(V x)
    {
        var clamped = W.Min(W.Broadcast(88.8f), W.Max(W.Broadcast(-104f), x));
        var n = W.Round(W.Multiply(clamped, W.Broadcast(1.44269504f)));
        var r = W.MultiplyAdd(n, W.Broadcast(-0.693359375f), clamped);
        r = W.MultiplyAdd(n, W.Broadcast(2.12194440e-4f), r);
        var p = W.MultiplyAdd(r, W.Broadcast(1 / 5040f), W.Broadcast(1 / 720f));
        p = W.MultiplyAdd(p, r, W.Broadcast(1 / 120f));
        p = W.MultiplyAdd(p, r, W.Broadcast(1 / 24f));
        p = W.MultiplyAdd(p, r, W.Broadcast(1 / 6f));
        p = W.MultiplyAdd(p, r, W.Broadcast(0.5f));
        p = W.MultiplyAdd(p, r, W.Broadcast(1));
        p = W.MultiplyAdd(p, r, W.Broadcast(1));
        // 2^n in two factors: n reaches 128 where e^x is still finite.
        var half = W.Round(W.Multiply(n, W.Broadcast(0.5f)));
        return W.Multiply(W.Multiply(p, W.PowerOfTwo(half)), W.PowerOfTwo(W.Subtract(n, half)));
    }
}
