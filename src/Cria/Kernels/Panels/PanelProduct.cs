using System.Runtime.CompilerServices;

namespace Cria.Kernels.Panels;

/// <summary>Y = X Wᵀ for neighbouring panels of a matrix: the walk over the tiles.</summary>
readonly unsafe struct PanelProduct(PanelFormat format, PanelTiles tiles, byte* panels, int outputs, int columns)
{
    /// <summary>
    /// Outputs of the panels [<paramref name="first"/>, <paramref name="end"/>), which are the given ones, whole pairs, for all rows of
    /// quantized activations; y[row * outputs + output].
    /// </summary>
    [SkipLocalsInit]
    public void Multiply(int first, int end, byte* x, int rows, float* y)
    {
        var activationBytes = (nint)format.ActivationBytes(columns);
        for (var row = 0; row < rows; row += tiles.Most)
        {
            var last = Math.Min(tiles.Most, rows - row) - 1;
            var x0 = x + row * activationBytes;
            var tile = new PanelTile
            {
                Blocks = format.Blocks(columns),
                X0 = x0,
                X1 = x0 + Math.Min(1, last) * activationBytes,
                X2 = x0 + Math.Min(2, last) * activationBytes,
                X3 = x0 + Math.Min(3, last) * activationBytes,
                XBytes = activationBytes,
                Rows = last + 1,
            };
            if (last == 0)
                One(tile, first, end, y + (nint)row * outputs);
            else
                Many(tile, first, end, y + (nint)row * outputs);
        }
    }

    void One(PanelTile tile, int first, int end, float* y)
    {
        var panelBytes = (nint)format.PanelBytes(columns);
        var aside = stackalloc float[PanelFormat.Rows];
        for (var output = first * PanelFormat.Rows; output < Math.Min(outputs, end * PanelFormat.Rows); output += PanelFormat.Rows)
        {
            var valid = Math.Min(PanelFormat.Rows, outputs - output);
            tile.Panel0 = panels + (output / PanelFormat.Rows - first) * panelBytes;
            tile.Y = valid < PanelFormat.Rows ? aside : y + output;
            tiles.One(tile);
            if (valid < PanelFormat.Rows)
                new ReadOnlySpan<float>(aside, valid).CopyTo(new Span<float>(y + output, valid));
        }
    }

    void Many(PanelTile tile, int first, int end, float* y)
    {
        var panelBytes = (nint)format.PanelBytes(columns);
        var step = 2 * tiles.VectorRows;
        var aside = stackalloc float[tiles.Most * step];
        for (var output = first * PanelFormat.Rows; output < Math.Min(outputs, end * PanelFormat.Rows); output += step)
        {
            var second = output + tiles.VectorRows;
            tile.Panel0 = panels + (output / PanelFormat.Rows - first) * panelBytes;
            tile.Panel1 = panels + (second / PanelFormat.Rows - first) * panelBytes;
            (tile.Row0, tile.Row1) = (output % PanelFormat.Rows, second % PanelFormat.Rows);
            var valid = Math.Min(step, outputs - output);
            var whole = valid == step && (tile.Rows == tiles.Most || tiles.AnyNumber);
            tile.Y = whole ? y + output : aside;
            tile.Stride = whole ? outputs : step;
            tiles.Many(tile);
            for (var row = 0; !whole && row < tile.Rows; row++)
                new ReadOnlySpan<float>(aside + row * step, valid).CopyTo(new Span<float>(y + (nint)row * outputs + output, valid));
        }
    }
}
