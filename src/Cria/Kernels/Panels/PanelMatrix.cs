namespace Cria.Kernels.Panels;

/// <summary>
/// A matrix of blocks multiplied with activations in 8 bits: copied into panels once, or a chunk at a time at every product.
/// </summary>
sealed unsafe class PanelMatrix : WeightMatrix
{
    /// <summary>Panels are packed and computed two by two: where their number is odd, an empty one follows.</summary>
    const int Together = 2;

    /// <summary>Rows up to which panels that are packed at every product are used at once, while the first-level cache has them.</summary>
    const int FewRows = 8;

    readonly PanelFormat _format;
    readonly PanelTiles _tiles;
    readonly byte* _blocks;
    readonly long _rowBytes, _panelBytes;
    readonly int _outputs, _columns, _panels;
    readonly Compute _compute;
    readonly string _name;
    byte* _data; // null where every product packs

    /// <param name="format">The form.</param>
    /// <param name="kernels">The instructions.</param>
    /// <param name="blocks">Rows of blocks of <see cref="PanelFormat"/>'s type, row after row; read later too unless the matrix is repacked.</param>
    /// <param name="rowBytes">Bytes of one row of them.</param>
    /// <param name="outputs">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="compute">The threads.</param>
    /// <param name="repack">Whether to copy into panels now.</param>
    /// <param name="name">The matrix in messages.</param>
    /// <exception cref="CriaException">A scale is not finite; seen at the first product where nothing is repacked.</exception>
    public PanelMatrix(PanelFormat format, PanelKernels kernels, byte* blocks, long rowBytes, int outputs, int columns, Compute compute, bool repack, string name)
    {
        (_format, _tiles, _compute, _outputs, _columns, _name) = (format, kernels.Tiles(format), compute, outputs, columns, name);
        _blocks = blocks;
        (_rowBytes, _panelBytes) = (rowBytes, format.PanelBytes(columns));
        _panels = (outputs + Together * PanelFormat.Rows - 1) / (Together * PanelFormat.Rows) * Together;
        if (!repack)
            return;
        var data = _data = (byte*)LargeMemory.Allocate(_panels * _panelBytes);
        try
        {
            compute.Pool.Run(_panels / Together, (i, _) => Pack(i * Together, (i + 1) * Together, data + i * Together * _panelBytes));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Bytes of all panels.</summary>
    public long Bytes => _panels * _panelBytes;

    public override void Multiply(Matrix x, Matrix y)
    {
        var activationBytes = _format.ActivationBytes(_columns);
        var activations = (byte*)_compute.Activations.Reserve((long)x.Rows * activationBytes / sizeof(float));
        _compute.ForRows(x.Rows, x.Columns, 1, (first, end) =>
        {
            for (var row = first; row < end; row++)
                _format.Quantize(x[row], _columns, activations + (nint)row * activationBytes);
        });

        var chunk = (_compute.ChunkOutputs(x, _outputs, (int)(_panelBytes / PanelFormat.Rows)) + 31) / 32 * Together;
        var step = _data == null && x.Rows <= FewRows ? Together : chunk;
        var stepBytes = step * (nint)_panelBytes;
        var scratch = _data == null ? (byte*)_compute.Scratch.Reserve(_compute.Pool.Threads * stepBytes / sizeof(float)) : null;
        _compute.Pool.Run((_panels + chunk - 1) / chunk, (i, thread) =>
        {
            for (var (first, end) = (i * chunk, Math.Min(_panels, (i + 1) * chunk)); first < end; first += step)
            {
                var next = Math.Min(end, first + step);
                var panels = _data + first * (nint)_panelBytes;
                if (_data == null)
                    Pack(first, next, panels = scratch + thread * stepBytes);
                new PanelProduct(_format, _tiles, panels, _outputs, _columns).Multiply(first, next, activations, x.Rows, y.Data);
            }
        });
    }

    void Pack(int first, int end, byte* panels)
    {
        for (var panel = first; panel < end; panel++, panels += _panelBytes)
        {
            var row = panel * PanelFormat.Rows;
            var rows = new Span<byte>(_blocks + row * _rowBytes, checked((int)(Math.Clamp(_outputs - row, 0, PanelFormat.Rows) * _rowBytes)));
            if (row + PanelFormat.Rows > _outputs)
            {
                var whole = new byte[PanelFormat.Rows * _rowBytes]; // what is missing is zero
                rows.CopyTo(whole);
                rows = whole;
            }
            fixed (byte* blocks = rows)
                if (!_format.Pack(blocks, _columns, panels))
                    throw new CriaException($"{_name}: a block has a scale that is not finite");
        }
    }

    public override void Dispose()
    {
        LargeMemory.Free(_data);
        _data = null;
    }
}
