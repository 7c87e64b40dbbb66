using System.Runtime.InteropServices;
using Cria.Conversion;
using Cria.Formats;
using Cria.Models;
using Cria.Tensors;

namespace Cria.Tests.Conversion;

/// <summary>Models quantized as Meta's are.</summary>
public sealed class MetaQuantizedConversionTests
{
    static readonly ModelOptions Exact = new() { Compute = ComputeType.F32, Threads = 2 };

    [Fact]
    public void CodesAndScalesAreTorchaos()
    {
        using var file = SafetensorsFile.Open(TestFiles.Golden("quant", "meta", "parts.safetensors"));
        var (weights, scales, codes) = (file.Find("linear.w_float")!, file.Find("linear.scales")!, file.Find("linear.weight")!);
        var (rows, columns) = ((int)weights.Shape[0], (int)weights.Shape[1]);
        var (values, dueScales, ourScales, ourCodes) = (new float[rows * columns], new float[scales.Count], new float[columns / 32], new sbyte[columns]);
        weights.CopyTo(values);
        scales.CopyTo(dueScales);
        for (var row = 0; row < rows; row++)
        {
            MetaQuantizedConversion.Scales(values.AsSpan(row * columns, columns), 32, 7.5f, ourScales);
            MetaQuantizedConversion.Codes(values.AsSpan(row * columns, columns), 32, 7.5f, ourCodes);
            Assert.Equal(dueScales[(row * ourScales.Length)..((row + 1) * ourScales.Length)], ourScales);
            Assert.Equal(Bytes(codes).Slice(row * columns, columns).ToArray(), MemoryMarshal.AsBytes<sbyte>(ourCodes).ToArray());
        }
    }

    [Fact]
    public void ZerosStayZero()
    {
        var codes = new sbyte[32];
        MetaQuantizedConversion.Codes(new float[32], 32, 7.5f, codes);
        Assert.All(codes, c => Assert.Equal(0, c));
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public void AModelOfAnyFormatBecomesTheSameFilesAndRunsAlike(bool tied)
    {
        using var source = TestModels.Write(new() { Hidden = 64, FeedForward = 96, Tied = tied, ScaledRope = false, WithTokenizer = true });
        GgufConversion.Write(source.Path, source.File("model.gguf"), null, 2, null, TestContext.Current.CancellationToken);
        string[] targets = [source.File("first"), source.File("second")];
        foreach (var (from, to) in targets.Zip([source.Path, source.File("model.gguf")], (t, s) => (s, t)))
            MetaQuantizedConversion.Write(from, to, 2, null, TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(Path.Combine(targets[0], "consolidated.00.pth"))[1024..], File.ReadAllBytes(Path.Combine(targets[1], "consolidated.00.pth"))[1024..]);
        var (due, got) = (Logits(source.Path), Logits(targets[0]));
        Assert.Equal(got, Logits(targets[1]));
        Assert.InRange(Math.Sqrt(due.Zip(got, (a, b) => Math.Pow(a - b, 2)).Sum() / due.Sum(a => (double)a * a)), 1e-4, 0.5);
        Assert.Equal(ModelTokenizer.Load(source.Path).Encode("hello <|eot_id|>", true), ModelTokenizer.Load(targets[0]).Encode("hello <|eot_id|>", true));
    }

    [Fact]
    public void WhatTheFormCannotHoldIsRefusedAndNothingIsLeft()
    {
        using var odd = TestModels.Write(new() { Hidden = 48 });
        Assert.Contains("widths 48 and 80", Refusal(odd.Path, odd.File("x")));
        using var source = TestModels.Write(new() { Hidden = 64, FeedForward = 64, ScaledRope = false });
        Directory.CreateDirectory(source.File("there"));
        Assert.Contains("exists already", Refusal(source.Path, source.File("there")));
        MetaQuantizedConversion.Write(source.Path, source.File("once"), 1, null, TestContext.Current.CancellationToken);
        Assert.Contains("quantized so already", Refusal(source.File("once"), source.File("twice")));
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => MetaQuantizedConversion.Write(source.Path, source.File("cut"), 1, _ => stop.Cancel(), stop.Token));
        Assert.Equal(["once", "there"], Directory.GetDirectories(source.Path).Select(Path.GetFileName).Order());
    }

    static string Refusal(string source, string target) =>
        Assert.Throws<CriaException>(() => MetaQuantizedConversion.Write(source, target, 1, null, TestContext.Current.CancellationToken)).Message;

    static unsafe ReadOnlySpan<byte> Bytes(Tensor tensor) => new(tensor.Data, (int)tensor.ByteLength);

    static float[] Logits(string path)
    {
        using var model = TextModel.Load(path, Exact);
        using var sequence = model.CreateSequence();
        int[] ids = [5, 17, 3, 90, 41, 2, 77, 8, 60, 33];
        var logits = new float[ids.Length * model.Config.VocabularySize];
        model.Forward([.. ids.Select((id, i) => new Row(sequence, i, id, true))], logits, TestContext.Current.CancellationToken);
        return logits;
    }
}
