using System.CommandLine;
using System.Runtime.InteropServices;
using Cria.Formats;
using Cria.Models;
using Cria.Tensors;

namespace Cria.Cli.Commands;

/// <summary>`cria preprocess`: the tiles of an image as a vision model reads them, as a safetensors file.</summary>
static class PreprocessCommand
{
    public static Command Create()
    {
        var model = new Option<string>("--model") { Description = "A vision model, which says how large tiles are", Required = true };
        var image = new Option<string>("--image") { Description = "PNG, JPEG, WebP, GIF (the first frame) or BMP", Required = true }.NotEmpty();
        var output = new Option<string>("--out") { Description = "The file to write: pixel_values F32 [tiles, 3, T, T], aspect_ratio I64 [rows, columns], num_tiles I64", Required = true }.NotEmpty();
        var command = new Command("preprocess", "The tiles of an image for a vision model.") { model, image, output };
        command.SetAction(r =>
        {
            var transform = ImageTransform.For(r.GetValue(model)!, Environment.ProcessorCount);
            Write(r.GetValue(output)!, transform.Apply(r.GetValue(image)!), transform.MaxTiles);
            return 0;
        });
        return command;
    }

    /// <summary>Slots without a tile are 0 after normalisation, which black is not.</summary>
    static void Write(string path, ImageTiles tiles, int slots)
    {
        var size = tiles.TileSize;
        var values = new byte[sizeof(float) * 3 * size * size * slots];
        for (var tile = 0; tile < tiles.Count; tile++)
            tiles.Normalize(tile, MemoryMarshal.Cast<byte, float>(values.AsSpan()).Slice(tile * 3 * size * size, 3 * size * size));
        SafetensorsWriter.Write(path,
        [
            ("pixel_values", ElementType.F32, [slots, 3, size, size], values),
            ("aspect_ratio", ElementType.I64, [2], Integers(tiles.Rows, tiles.Columns)),
            ("num_tiles", ElementType.I64, [1], Integers(tiles.Count)),
        ]);
    }

    static byte[] Integers(params ReadOnlySpan<long> values) => MemoryMarshal.AsBytes(values).ToArray();
}
