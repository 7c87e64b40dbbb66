using System.CommandLine;
using System.Runtime.InteropServices;
using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Cli.Commands;

/// <summary>`cria quantize-rows`: raw float32 rows to raw blocks.</summary>
static class QuantizeRowsCommand
{
    const int PartValues = 1 << 18;

    public static Command Create()
    {
        var columns = new Option<int>("--cols") { Description = "Columns of a row, whole blocks", Required = true }.Bounded(1, 1 << 24);
        var importance = new Option<string?>("--imatrix") { Description = "A file of one float32 a column: how much its error counts" }.NotEmpty();
        var command = new Command("quantize-rows", "Raw float32 rows to raw blocks of a type.") { columns, importance };
        var files = new RawFilesBinder(command);
        command.SetAction(r =>
        {
            var (type, count) = (files.Type(r), r.GetValue(columns));
            if (count % type.BlockLength() != 0)
                throw new CriaException($"--cols: {count} columns are not whole blocks of {type.BlockLength()}");
            var weights = r.GetValue(importance) is { } path ? ReadImportance(path, count) : [];
            var rows = Math.Max(1, PartValues / count);
            var blocks = new byte[rows * type.Bytes(count)];
            var row = 0L;
            files.Convert(r, count * sizeof(float), "rows", (long)rows * count * sizeof(float), part =>
            {
                var values = MemoryMarshal.Cast<byte, float>(part);
                var bytes = (int)type.Bytes(count);
                for (var i = 0; i < values.Length / count; i++, row++)
                    Quantize(type, values.Slice(i * count, count), weights, blocks.AsSpan(i * bytes, bytes), $"{files.Input(r)}: row {row}");
                return blocks.AsSpan(0, values.Length / count * bytes);
            });
            return 0;
        });
        return command;
    }

    static void Quantize(ElementType type, ReadOnlySpan<float> row, float[] importance, Span<byte> blocks, string name)
    {
        try
        {
            BlockFormats.Quantize(type, row, importance, blocks);
        }
        catch (CriaException e)
        {
            throw new CriaException($"{name}: {e.Message}", e);
        }
    }

    static float[] ReadImportance(string path, int columns)
    {
        var length = new FileInfo(path).Length;
        if (length != columns * sizeof(float))
            throw new CriaException($"{path}: {length} bytes are not one float32 for each of {columns} columns");
        var weights = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(path)).ToArray();
        var wrong = Array.FindIndex(weights, w => !(w >= 0 && float.IsFinite(w)));
        return wrong < 0 ? weights : throw new CriaException($"{path}: the importance of column {wrong} is {weights[wrong]}, not a finite number from 0");
    }
}
