namespace Cria.Kernels.Panels;

/// <summary>A matrix of blocks copied into panels once, multiplied with activations in 8 bits.</summary>
sealed unsafe class PanelMatrix : WeightMatrix
{
    /// <summary>Panels are packed and computed two by two: where their number is odd, an empty one follows.</summary>
    const int Together = 2;

    readonly Compute _compute;
    readonly PanelFormat _format;
    readonly PanelTiles _tiles;
    readonly int _outputs, _columns, _panels;
    readonly long _panelBytes;
    byte* _data;

    /// <param name="format">The form.</param>
    /// <param name="kernels">The instructions.</param>
    /// <param name="blocks">Rows of blocks of <see cref="PanelFormat"/>'s type, row after row.</param>
    /// <param name="rowBytes">Bytes of one row of them.</param>
    /// <param name="outputs">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="compute">The threads.</param>
    public PanelMatrix(PanelFormat format, PanelKernels kernels, byte* blocks, long rowBytes, int outputs, int columns, Compute compute)
    {
        (_format, _tiles, _compute, _outputs, _columns) = (format, kernels.Tiles(format), compute, outputs, columns);
        _panelBytes = format.PanelBytes(columns);
        _panels = (outputs + Together * PanelFormat.Rows - 1) / (Together * PanelFormat.Rows) * Together;
        _data = (byte*)LargeMemory.Allocate(_panels * _panelBytes);
        compute.Pool.Run(_panels / Together, (i, _) =>
        {
            for (var panel = i * Together; panel < (i + 1) * Together; panel++)
            {
                var first = Math.Min(outputs, panel * PanelFormat.Rows);
                format.Pack(blocks + first * rowBytes, Math.Min(PanelFormat.Rows, outputs - first), columns, _data + panel * _panelBytes);
            }
        });
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

        var product = new PanelProduct(_format, _tiles, _data, _outputs, _columns);
        var chunk = (_compute.ChunkOutputs(x, _outputs, (int)(_panelBytes / PanelFormat.Rows)) + 31) / 32 * Together;
        _compute.Pool.Run((_panels + chunk - 1) / chunk, (i, _) =>
            product.Multiply(i * chunk, Math.Min(_panels, (i + 1) * chunk), activations, x.Rows, y.Data));
    }

    public override void Dispose()
    {
        LargeMemory.Free(_data);
        _data = null;
    }
}
