using System.CommandLine;
using System.Runtime.InteropServices;
using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Cli.Commands;

/// <summary>`cria dequantize`: raw blocks to raw float32 values.</summary>
static class DequantizeCommand
{
    const int PartValues = 1 << 18; // whole blocks of every type

    public static Command Create()
    {
        var command = new Command("dequantize", "Raw blocks of a type to raw float32 values.");
        var files = new RawFilesBinder(command);
        command.SetAction(r =>
        {
            var type = files.Type(r);
            var values = new float[PartValues];
            files.Convert(r, type.BlockBytes(), "blocks", type.Bytes(PartValues), blocks =>
            {
                var part = values.AsSpan(0, blocks.Length / type.BlockBytes() * type.BlockLength());
                BlockFormats.Dequantize(type, blocks, part);
                return MemoryMarshal.AsBytes(part);
            });
            return 0;
        });
        return command;
    }
}
